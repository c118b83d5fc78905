import { parentPort } from 'node:worker_threads';
import type { Home } from '../config/home.ts';
import type { TemplateJob, TemplateOutcome } from '../config/template/job.ts';
import { renderTemplate } from '../config/template/render.ts';

/**
 * What the worker is asked. It answers with the outcomes in order, some at a time, and says by `at`, which both
 * threads see, with which job it is busy: -1 before the first.
 */
export type TemplateRequest = {
  readonly home: Home;
  readonly jobs: readonly TemplateJob[];
  readonly at: Int32Array<SharedArrayBuffer>;
};

/** To wake the other thread for each takes as long as to render it. What is not told yet is rendered anew after a stop. */
const atOnce = 16;

parentPort!.on('message', ({ home, jobs, at }: TemplateRequest) => {
  let outcomes: TemplateOutcome[] = [];
  for (const [index, job] of jobs.entries()) {
    Atomics.store(at, 0, index);
    outcomes.push(renderTemplate(home, job));
    if (outcomes.length < atOnce && index < jobs.length - 1) continue;
    parentPort!.postMessage(outcomes);
    outcomes = [];
  }
  Atomics.store(at, 0, jobs.length);
});
parentPort!.postMessage('ready');

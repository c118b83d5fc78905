import { parentPort } from 'node:worker_threads';
import type { Home } from '../config/home.ts';
import type { TemplateJob } from '../config/template/job.ts';
import { renderTemplate } from '../config/template/render.ts';

/** What the worker is asked. It says `begun` once it has it, and answers one outcome a job, in order. */
export type TemplateRequest = { readonly home: Home; readonly jobs: readonly TemplateJob[] };

parentPort!.on('message', ({ home, jobs }: TemplateRequest) => {
  parentPort!.postMessage('begun');
  for (const job of jobs) parentPort!.postMessage(renderTemplate(home, job));
});
parentPort!.postMessage('ready');

import { Worker } from 'node:worker_threads';
import type { Home } from '../config/home.ts';
import type { RenderTemplates, TemplateJob, TemplateOutcome } from '../config/template/job.ts';
import type { TemplateRequest } from './template-worker.ts';

/** One template's time; a large one takes milliseconds. */
export const templateTimeMs = 2_000;
const startTimeMs = 30_000;
const limits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 64, stackSizeMb: 4 };

export type TemplateRenderer = {
  readonly render: RenderTemplates;
  /** Ends the worker. */
  close(): Promise<void>;
};

/** In a bundle the worker is a file beside it; from sources it is the module itself. */
const workerFile = (): URL =>
  new URL(
    import.meta.url.endsWith('.ts') ? './template-worker.ts' : './template-worker.mjs',
    import.meta.url,
  );

/**
 * Renders templates in a thread of their own, which is killed when one of them takes more than `timeMs` or too much
 * memory; the rest go on in a new one. Keeps nobody's process alive.
 */
export function createTemplateRenderer(timeMs = templateTimeMs): TemplateRenderer {
  let kept: Worker | undefined;

  const start = (): Promise<Worker> =>
    new Promise((resolve, reject) => {
      // No environment, no arguments: a template is the repo's, and the repo may be a stranger's.
      const worker = new Worker(workerFile(), { env: {}, argv: [], resourceLimits: limits });
      const timer = setTimeout(() => {
        void worker.terminate();
        reject(new Error('the thread for templates did not start'));
      }, startTimeMs);
      worker.once('error', reject);
      worker.once('message', () => {
        clearTimeout(timer);
        worker.off('error', reject);
        resolve(worker);
      });
    });

  /** The outcomes up to the first job that had to be stopped, which has one too. */
  const run = (worker: Worker, home: Home, jobs: readonly TemplateJob[]): Promise<TemplateOutcome[]> =>
    new Promise((resolve, reject) => {
      const outcomes: TemplateOutcome[] = [];
      const leave = (): void => {
        clearTimeout(timer);
        worker.off('message', take);
        worker.off('error', fail);
      };
      const stop = (code: string, message: string): void => {
        kept = undefined;
        outcomes.push({ id: jobs[outcomes.length]!.id, ok: false, line: 1, column: 1, code, message });
        leave();
        void worker.terminate();
        resolve(outcomes);
      };
      const late = (): void => {
        const done = outcomes.length;
        // Where this thread was busy, the outcome may be here and not have been looked at.
        setImmediate(() => {
          if (outcomes.length === done) stop('template_timeout', `it was stopped after ${timeMs / 1000} s`);
        });
      };
      // Until it has begun, what takes time is the home on its way.
      let timer = setTimeout(late, startTimeMs);
      const take = (word: 'begun' | TemplateOutcome): void => {
        clearTimeout(timer);
        if (word !== 'begun') outcomes.push(word);
        if (outcomes.length < jobs.length) {
          timer = setTimeout(late, timeMs);
          return;
        }
        leave();
        resolve(outcomes);
      };
      const fail = (error: Error & { code?: string }): void => {
        if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
          stop(
            'template_memory',
            `it was stopped because it takes more than ${limits.maxOldGenerationSizeMb} MiB`,
          );
          return;
        }
        leave();
        kept = undefined;
        reject(error);
      };
      worker.on('message', take);
      worker.once('error', fail);
      worker.postMessage({ home, jobs } satisfies TemplateRequest);
    });

  return {
    async render(home, jobs) {
      const outcomes: TemplateOutcome[] = [];
      while (outcomes.length < jobs.length) {
        const worker = kept ?? (await start());
        kept = worker;
        worker.ref();
        outcomes.push(...(await run(worker, home, jobs.slice(outcomes.length))));
        worker.unref();
      }
      return outcomes;
    },
    async close() {
      await kept?.terminate();
      kept = undefined;
    },
  };
}

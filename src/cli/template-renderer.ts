import { Worker } from 'node:worker_threads';
import type { Home } from '../config/home.ts';
import type { RenderTemplates, TemplateJob, TemplateOutcome } from '../config/template/job.ts';
import type { TemplateRequest } from './template-worker.ts';

/** One template's time; a large one takes milliseconds. */
export const templateTimeMs = 2_000;
const startTimeMs = 30_000;
/** How often in a template's time it is looked whether the thread has gone on. */
const looksInTime = 4;
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

  /** The outcomes up to the first job that had to be stopped, as far as they were told, and that of the stopped one. */
  const run = (worker: Worker, home: Home, jobs: readonly TemplateJob[]): Promise<TemplateOutcome[]> =>
    new Promise((resolve, reject) => {
      const outcomes: TemplateOutcome[] = [];
      const at = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
      let seen = -1;
      let looks = 0;
      const leave = (): void => {
        clearInterval(timer);
        worker.off('message', take);
        worker.off('error', fail);
      };
      const stop = (code: string, message: string): void => {
        const { id } = jobs[Math.max(0, Atomics.load(at, 0))]!;
        kept = undefined;
        leave();
        void worker.terminate();
        resolve([...outcomes, { id, ok: false, line: 1, column: 1, code, message }]);
      };
      const look = (): void => {
        const index = Atomics.load(at, 0);
        looks = index === seen ? looks + 1 : 0;
        seen = index;
        // Until it has begun, what takes time is the home on its way; when all is done, this thread is late itself.
        const isLate = looks >= (index < 0 ? (looksInTime * startTimeMs) / timeMs : looksInTime);
        if (isLate && index < jobs.length)
          stop('template_timeout', `it was stopped after ${timeMs / 1000} s`);
      };
      const timer = setInterval(look, timeMs / looksInTime);
      const take = (some: readonly TemplateOutcome[]): void => {
        outcomes.push(...some);
        if (outcomes.length < jobs.length) return;
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
      worker.postMessage({ home, jobs, at } satisfies TemplateRequest);
    });

  return {
    async render(home, jobs) {
      const outcomes = new Map<string, TemplateOutcome>();
      for (let left = jobs; left.length > 0; left = jobs.filter(({ id }) => !outcomes.has(id))) {
        const worker = kept ?? (await start());
        kept = worker;
        worker.ref();
        for (const one of await run(worker, home, left)) outcomes.set(one.id, one);
        worker.unref();
      }
      return jobs.map(({ id }) => outcomes.get(id)!);
    },
    async close() {
      await kept?.terminate();
      kept = undefined;
    },
  };
}

// A process that runs chosen tests against the project with a fault in it, one fault after the other.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { startCoverage } from './coverage.ts';
import { createGraphs } from './graph.ts';
import { type Case, collect } from './harness.ts';
import { type Answer, type Learned, type Question, seed } from './messages.ts';

const root = join(import.meta.dirname, '../..');
const graphs = createGraphs(root, pathToFileURL(join(import.meta.dirname, 'harness.ts')).href);
// The same inputs for every mutant: otherwise luck would be part of the score.
fc.configureGlobal({ seed });

/** Fails the test that runs: what nobody waits for may fail as well. */
let failRunning: (error: unknown) => void = () => undefined;
process.on('uncaughtException', (error) => failRunning(error));
process.on('unhandledRejection', (error) => failRunning(error));

/** How long a file of tests may take to load. */
const loadLimitMs = 10_000;
/** A test that waits is given up here; one that does not let go of the processor, by the other process. */
const graceMs = 1_000;

const say = (answer: Answer): void => {
  process.send?.(answer);
};

/** Runs a test; rejects when it fails, or takes longer than it may. */
function attempt(one: Case, limitMs: number): Promise<void> {
  say({ kind: 'running', limitMs: limitMs + graceMs });
  return new Promise((resolve, reject) => {
    failRunning = reject;
    const timer = setTimeout(() => reject(new Error('timeout')), limitMs);
    one
      .run()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

async function judge({ fault, plan }: Extract<Question, { kind: 'judge' }>): Promise<Answer> {
  graphs.begin(fault);
  for (const { file, tests } of plan) {
    let cases: readonly Case[];
    say({ kind: 'running', limitMs: loadLimitMs });
    try {
      cases = await collect(() => graphs.load(file));
    } catch {
      return { kind: 'judged', by: 'broken', file };
    }
    for (const { at, limitMs } of tests) {
      const one = cases[at];
      if (one === undefined) return { kind: 'judged', by: 'broken', file };
      try {
        await attempt(one, limitMs);
      } catch (error) {
        const isLate = error instanceof Error && error.message === 'timeout';
        return { kind: 'judged', by: isLate ? 'timeout' : one.name, file };
      }
    }
  }
  return { kind: 'judged', by: null, file: null };
}

async function learn({ file, faults }: Extract<Question, { kind: 'learn' }>): Promise<Answer> {
  const meter = startCoverage();
  graphs.begin(null);
  const reached = (): number[] => {
    const ran = meter.take();
    const urls = new Map<string, string>();
    return faults.flatMap((fault, at) => {
      const url = urls.get(fault.path) ?? graphs.urlOf(fault.path);
      urls.set(fault.path, url);
      return ran(url, fault.reach) ? [at] : [];
    });
  };
  try {
    const cases = await collect(() => graphs.load(file));
    const always = new Set(reached());
    const learned: Learned[] = [];
    for (const one of cases) {
      await one.prepare();
      for (const at of reached()) always.add(at);
      const startedMs = performance.now();
      await attempt(one, 120_000);
      const tookMs = performance.now() - startedMs;
      learned.push({ name: one.name, tookMs, reached: reached() });
    }
    return { kind: 'learned', tests: learned, always: [...always] };
  } catch (error) {
    return { kind: 'failed', detail: error instanceof Error ? (error.stack ?? '') : String(error) };
  } finally {
    meter.stop();
  }
}

process.on('message', (question: Question) => {
  void (question.kind === 'judge' ? judge(question) : learn(question)).then((answer) => {
    failRunning = () => undefined;
    say(answer);
  });
});
process.on('disconnect', () => process.exit());

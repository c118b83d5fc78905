import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { brokenJudges } from './broken-judges.ts';
import type { LaneResult, LaneTask } from './lane.ts';

/** Plays lanes in a thread of their own. */
const play = (tasks: readonly LaneTask[]): Promise<LaneResult[]> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./lane.ts', import.meta.url), { workerData: tasks });
    worker.once('message', resolve);
    worker.once('error', reject);
  });

const seed = Number(process.env.WRIT_SEED ?? Math.floor(Math.random() * 2 ** 30));
const threads = Math.max(1, Math.min(2, availableParallelism()));
const lanesPerThread = 3;

test('threat 1: a controller that is taken cannot have done what its owner did not allow', async (t) => {
  const wanted = Number(process.env.WRIT_TRACES ?? 10_000);
  const lanes = threads * lanesPerThread;
  const started = performance.now();
  const results = await Promise.all(
    Array.from({ length: threads }, (_, thread) =>
      play(
        Array.from({ length: lanesPerThread }, (_, lane) => ({
          judge: 'real' as const,
          numRuns: Math.ceil(wanted / lanes),
          seed: seed + thread * lanesPerThread + lane,
        })),
      ),
    ),
  );
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const all = results.flat();
  const sum = (pick: (result: LaneResult) => number): number =>
    all.reduce((total, result) => total + pick(result), 0);
  const counts = {
    offers: sum((result) => result.counts.offers),
    executed: sum((result) => result.counts.executed),
    byController: sum((result) => result.counts.byController),
    byOperator: sum((result) => result.counts.byOperator),
    after: sum((result) => result.counts.after),
    releases: sum((result) => result.counts.releases),
  };
  const played = sum((result) => result.played);
  t.diagnostic(`WRIT_SEED=${seed}: ${played} traces in ${seconds} s, ${JSON.stringify(counts)}`);
  for (const { failure } of all) assert.equal(failure, null, failure ?? '');
  assert.ok(played >= wanted);
  // The traces must reach what they are about.
  for (const [name, count] of Object.entries(counts)) {
    assert.ok(count >= wanted / 100, `${name}: only ${count} in ${wanted} traces`);
  }
});

test('threat 1: the adversary finds each hole that a judge is given', async (t) => {
  const names = Object.keys(brokenJudges) as (keyof typeof brokenJudges)[];
  const half = Math.ceil(names.length / 2);
  const lane = (judge: keyof typeof brokenJudges): LaneTask => ({ judge, numRuns: 20_000, seed });
  const [first, second] = await Promise.all([
    play(names.slice(0, half).map(lane)),
    play(names.slice(half).map(lane)),
  ]);
  const results = [...first, ...second];
  for (const [index, name] of names.entries()) {
    const result = results[index]!;
    t.diagnostic(`${name}: found after ${result.played} traces`);
    assert.notEqual(result.failure, null, `the hole "${name}" was not found in ${result.played} traces`);
  }
});

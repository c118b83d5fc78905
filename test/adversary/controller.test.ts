import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokenJudges } from './broken-judges.ts';
import type { LaneTask } from './lane.ts';
import { playLanes, playTraces } from './play-traces.ts';

const seed = Number(process.env.WRIT_SEED ?? Math.floor(Math.random() * 2 ** 30));

test('threat 1: a controller that is taken cannot have done what its owner did not allow', async (t) => {
  const wanted = Number(process.env.WRIT_TRACES ?? 10_000);
  const started = performance.now();
  const { played, counts, failure } = await playTraces({ wanted, seed });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  t.diagnostic(`WRIT_SEED=${seed}: ${played} traces in ${seconds} s, ${JSON.stringify(counts)}`);
  assert.equal(failure, null, failure ?? '');
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
    playLanes(names.slice(0, half).map(lane)),
    playLanes(names.slice(half).map(lane)),
  ]);
  const results = [...first, ...second];
  for (const [index, name] of names.entries()) {
    const result = results[index]!;
    t.diagnostic(`${name}: found after ${result.played} traces`);
    assert.notEqual(result.failure, null, `the hole "${name}" was not found in ${result.played} traces`);
  }
});

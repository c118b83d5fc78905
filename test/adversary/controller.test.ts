import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Judge } from '../../relay/agent/executor.ts';
import { realJudge } from '../relay/agent/fixture.ts';
import { type Counts, playTrace, traces } from './trace.ts';
import { makeWorld, type World } from './world.ts';

const noCounts = (): Counts => ({ offers: 0, executed: 0, byController: 0, byOperator: 0, after: 0 });

const check = (world: World, judge: Judge, numRuns: number, seed: number, counts: Counts) =>
  fc.check(
    fc.asyncProperty(traces, async (ops) => {
      assert.equal(await playTrace(world, ops, judge, counts), null);
    }),
    { numRuns, seed },
  );

/** Much of a trace's time is waiting for the thread pool: several go on side by side. */
const lanes = 6;

test('threat 1: a controller that is taken cannot have done what its owner did not allow', async (t) => {
  const wanted = Number(process.env.WRIT_TRACES ?? 10_000);
  const seed = Number(process.env.WRIT_SEED ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`seed ${seed}, ${wanted} traces`);
  const world = await makeWorld();
  const counts = noCounts();
  const started = performance.now();
  const results = await Promise.all(
    Array.from({ length: lanes }, (_, lane) =>
      check(world, realJudge, Math.ceil(wanted / lanes), seed + lane, counts),
    ),
  );
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const played = results.reduce((sum, result) => sum + result.numRuns, 0);
  t.diagnostic(`${played} traces in ${seconds} s: ${JSON.stringify(counts)}`);
  for (const result of results) assert.equal(result.failed, false, fc.defaultReportMessage(result));
  assert.ok(played >= wanted);
  // The traces must reach what they are about.
  for (const [name, count] of Object.entries(counts)) {
    assert.ok(count >= wanted / 100, `${name}: only ${count} in ${wanted} traces`);
  }
});

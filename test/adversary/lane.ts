import assert from 'node:assert/strict';
import { parentPort, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import type { Judge } from '../../relay/agent/executor-contract.ts';
import { realJudge } from '../relay/agent/fixture.ts';
import { brokenJudges } from './broken-judges.ts';
import { type Counts, noCounts } from './counts.ts';
import { traces } from './moves.ts';
import { rememberSignatures } from './quick-crypto.ts';
import { playTrace } from './trace.ts';
import { makeWorld } from './world.ts';

export type LaneTask = {
  readonly seed: number;
  readonly numRuns: number;
  readonly judge: keyof typeof brokenJudges | 'real';
};
export type LaneResult = {
  readonly played: number;
  readonly counts: Counts;
  /** The shortest trace that did something which was not allowed, and what; null when there is none. */
  readonly failure: string | null;
};

/** Plays traces one after the other; several go side by side in one thread, because much of it is waiting. */
async function playLane(task: LaneTask): Promise<LaneResult> {
  const world = await makeWorld();
  const counts = noCounts();
  const judge: Judge = task.judge === 'real' ? realJudge : brokenJudges[task.judge];
  const result = await fc.check(
    fc.asyncProperty(traces, async (ops) => {
      assert.equal(await playTrace(world, ops, judge, counts), null);
    }),
    { numRuns: task.numRuns, seed: task.seed, endOnFailure: task.judge !== 'real' },
  );
  return {
    played: result.numRuns,
    counts,
    failure: result.failed ? (fc.defaultReportMessage(result) ?? 'failed') : null,
  };
}

rememberSignatures();
const tasks = workerData as readonly LaneTask[];
parentPort!.postMessage(await Promise.all(tasks.map(playLane)));

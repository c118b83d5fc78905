import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { addCounts, type Counts, noCounts } from './counts.ts';
import type { LaneResult, LaneTask } from './lane.ts';

/** Plays lanes in a thread of their own. */
export const playLanes = (tasks: readonly LaneTask[]): Promise<LaneResult[]> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./lane.ts', import.meta.url), { workerData: tasks });
    worker.once('message', resolve);
    worker.once('error', reject);
  });

const threads = Math.max(1, Math.min(2, availableParallelism()));
const lanesPerThread = 3;
/** What a thread plays before it tells of it; each lane with a seed that no other one has. */
const lotRuns = 1_000;

export type Played = {
  readonly played: number;
  readonly counts: Counts;
  /** What is told of the first trace that did something which was not allowed; null when there is none. */
  readonly failure: string | null;
};

/**
 * Plays so many traces against the real judge on all threads, until one fails.
 *
 * @param tell is called with all that was played so far, after each lot
 */
export async function playTraces(
  { wanted, seed }: { readonly wanted: number; readonly seed: number },
  tell: (so: Played) => void = () => undefined,
): Promise<Played> {
  const so = { played: 0, counts: noCounts(), failure: null as string | null };
  let given = 0;
  let nextSeed = seed;
  const work = async (): Promise<void> => {
    while (given < wanted && so.failure === null) {
      const lot = Math.min(lotRuns * lanesPerThread, Math.ceil(wanted / threads), wanted - given);
      given += lot;
      const numRuns = Math.ceil(lot / lanesPerThread);
      const lanes = Array.from({ length: lanesPerThread }, (): LaneTask => {
        nextSeed += 1;
        return { judge: 'real', numRuns, seed: nextSeed };
      });
      for (const result of await playLanes(lanes)) {
        so.played += result.played;
        addCounts(so.counts, result.counts);
        so.failure ??= result.failure;
      }
      tell(so);
    }
  };
  await Promise.all(Array.from({ length: threads }, work));
  return so;
}

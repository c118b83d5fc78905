import { type Cache, createTestHash, hashOf, type Verdict } from './cache.ts';
import { importsOf } from './closure.ts';
import { codeOf } from './graph.ts';
import { createLane, type Lane } from './lane.ts';
import type { Planned } from './messages.ts';
import { applyMutant, type Mutant, mutantsOf } from './mutators.ts';

/** A mutant with what came of it. */
export type Judged = { readonly mutant: Mutant; readonly verdict: Verdict };

/** A file of tests: what it imports itself, and which mutants each test reaches. */
type TestFile = {
  readonly path: string;
  readonly near: ReadonlySet<string>;
  readonly tests: readonly { readonly tookMs: number; readonly reached: ReadonlySet<number> }[];
};

/** Takes the items in order, each lane the next when it is free. */
async function inLanes<T>(
  lanes: readonly Lane[],
  items: readonly T[],
  task: (lane: Lane, item: T, at: number) => Promise<void>,
): Promise<void> {
  const left = items.entries();
  await Promise.all(
    lanes.map(async (lane) => {
      for (const [at, item] of left) await task(lane, item, at);
    }),
  );
}

async function learn(lane: Lane, root: string, path: string, faults: readonly Mutant[]): Promise<TestFile> {
  const answer = await lane.ask({ kind: 'learn', file: path, faults });
  if (answer?.kind !== 'learned')
    throw new Error(
      `${path} does not pass without a fault: ${answer?.kind === 'failed' ? answer.detail : ''}`,
    );
  const tests = answer.tests.map(({ tookMs, reached }) => ({
    tookMs,
    reached: new Set([...reached, ...answer.always]),
  }));
  return { path, near: new Set(importsOf(root, path)), tests };
}

/** The tests that reach a mutant: files that import its file themselves come first, then quick ones. */
function planOf(files: readonly TestFile[], mutant: Mutant, at: number): Planned[] {
  const chosen = files.flatMap(({ path, near, tests }) => {
    const own = [...tests.entries()].filter(([, { reached }]) => reached.has(at));
    const tookMs = own.reduce((sum, [, test]) => sum + test.tookMs, 0);
    const far = near.has(mutant.path) ? 0 : 1;
    const planned = own
      .sort(([, a], [, b]) => a.tookMs - b.tookMs)
      .map(([place, test]) => ({ at: place, limitMs: 2_000 + test.tookMs * 10 }));
    return own.length === 0 ? [] : [{ far, tookMs, planned: { file: path, tests: planned } }];
  });
  return chosen.sort((a, b) => a.far - b.far || a.tookMs - b.tookMs).map(({ planned }) => planned);
}

const morePatient = ({ file, tests }: Planned): Planned => ({
  file,
  tests: tests.map(({ at, limitMs }) => ({ at, limitMs: limitMs * 3 })),
});

/**
 * Makes every mutant of the files and runs, for each, the tests that reach it until one fails.
 *
 * @throws Error when a test fails without any fault: nothing could be told then
 */
export async function judgeMutants(options: {
  readonly root: string;
  readonly paths: readonly string[];
  readonly tests: readonly string[];
  readonly lanes: number;
  readonly cache: Cache;
  /** Called with each mutant as soon as it is judged, in no order. */
  onJudged(judged: Judged): void;
}): Promise<void> {
  const { root, cache } = options;
  const codes = new Map(options.paths.map((path) => [path, codeOf(root, path)]));
  const mutants = [...codes].flatMap(([path, code]) => mutantsOf(path, code));
  const lanes = Array.from({ length: options.lanes }, createLane);
  const hashOfTest = createTestHash(root);
  const tools = hashOfTest('test/mutation/worker.ts', '');

  /** What does not load with a fault must load without it, or every fault would seem to be noticed. */
  const assertLoads = async (lane: Lane, path: string, file: string): Promise<void> => {
    const fault = { path, code: codes.get(path)! };
    const answer = await lane.ask({ kind: 'judge', fault, plan: [{ file, tests: [] }] });
    if (answer?.kind !== 'judged' || answer.by !== null)
      throw new Error(`${file} does not load any more: was something changed meanwhile?`);
  };

  /** A verdict rests on the faulty file and, when a test noticed, on that test; otherwise on all that reach it. */
  const judge = async (lane: Lane, mutant: Mutant, plan: readonly Planned[]): Promise<Verdict> => {
    const { path } = mutant;
    const code = applyMutant(codes.get(path)!, mutant);
    const fault = hashOf(tools, path, code);
    const keys = plan.map(({ file }) => hashOf(fault, hashOfTest(file, path)));
    const all = hashOf(...keys.toSorted());
    for (const key of [...keys, all]) {
      const known = cache.find(key);
      if (known !== undefined) return known;
    }
    if (plan.length === 0) return { by: null, file: null };
    let answer = await lane.ask({ kind: 'judge', fault: { path, code }, plan });
    const isLate = answer === null || (answer.kind === 'judged' && answer.by === 'timeout');
    // A machine that was busy for a moment is no fault that was noticed.
    if (isLate)
      answer = await lane.ask({ kind: 'judge', fault: { path, code }, plan: plan.map(morePatient) });
    if (answer?.kind === 'judged' && answer.by === 'broken') await assertLoads(lane, path, answer.file!);
    const verdict: Verdict = answer?.kind === 'judged' ? answer : { by: 'timeout', file: null };
    const place = plan.findIndex(({ file }) => file === verdict.file);
    cache.put(keys[place] ?? all, { by: verdict.by, file: verdict.file });
    return verdict;
  };

  try {
    const files: TestFile[] = [];
    await inLanes(lanes, options.tests, async (lane, path) => {
      files.push(await learn(lane, root, path, mutants));
    });
    await inLanes(lanes, mutants, async (lane, mutant, at) => {
      options.onJudged({ mutant, verdict: await judge(lane, mutant, planOf(files, mutant, at)) });
      if (at % 100 === 0) cache.save();
    });
  } finally {
    cache.save();
    for (const lane of lanes) lane.close();
  }
}

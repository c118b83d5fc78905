import type { Sight } from '../../machine/machine.ts';
import type { LeafMade, LeafRecord } from './leaf-record.ts';
import { filesOfLeaf, type LeafFile, type LeafWant, type LeafWants } from './leaf-wants.ts';

/** What becomes of one certificate. */
export type LeafPlan = {
  readonly want: LeafWant;
  /** `renew`: its key stays; `make`: there is none that could. */
  readonly how: 'keep' | 'renew' | 'make';
  readonly made: LeafMade | undefined;
  /** Files that are as they were made. */
  readonly intact: ReadonlySet<string>;
};

export type LeavesPlan = {
  readonly leaves: readonly LeafPlan[];
  /** Files that Writ made and that are no longer wanted. */
  readonly unwanted: readonly string[];
  /** What is in the way: somebody else's. */
  readonly foreign: readonly LeafObstacle[];
};

export type LeafObstacle = { readonly path: string; readonly why: 'foreign_file' | 'not_a_file' };

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, index) => name === b[index]);

/** Whether less than a third of the time of a certificate is left. */
const isDue = ({ not_before, not_after }: LeafMade, now: number): boolean =>
  now >= not_after - (not_after - not_before) / 3;

/** Paths that `planLeaves` has to have seen. */
export const pathsOfLeaves = ({ leaves }: LeafWants): string[] =>
  leaves.flatMap((want) => filesOfLeaf(want).map(({ path }) => path));

/**
 * Says what has to be done for the certificates of a target.
 *
 * @param authority digest of what they are made by now; null: it is not known, so that nothing is renewed because of it
 * @param latest when one that is made now would end: what ends no later is not renewed because of its time
 * @param isSure whether a time source vouches for `now`: then one that begins later was made while the clock was ahead
 */
export function planLeaves(
  wants: LeafWants,
  record: LeafRecord,
  sights: ReadonlyMap<string, Sight>,
  {
    now,
    authority,
    latest,
    isSure,
  }: {
    readonly now: number;
    readonly authority: string | null;
    readonly latest: number;
    readonly isSure: boolean;
  },
): LeavesPlan {
  const ours = new Set(record.leaves.flatMap(({ files }) => files.map(({ path }) => path)));
  const wanted = new Set(pathsOfLeaves(wants));
  const foreign = [...wanted].flatMap((path): LeafObstacle[] => {
    const stat = sights.get(path)?.stat ?? null;
    if (stat === null) return [];
    if (stat.kind !== 'file') return [{ path, why: 'not_a_file' }];
    return ours.has(path) ? [] : [{ path, why: 'foreign_file' }];
  });
  const leaves = wants.leaves.map((want): LeafPlan => {
    const { app, cert } = want;
    const made = record.leaves.find((one) => one.app === app && one.name === cert.name);
    if (made === undefined) return { want, how: 'make', made, intact: new Set() };
    const known = new Map(made.files.map((file) => [file.path, file]));
    const files = filesOfLeaf(want);
    const isThere = (path: string): boolean =>
      known.has(path) && sights.get(path)?.digest === known.get(path)!.digest;
    if (!isThere(cert.key)) return { want, how: 'make', made, intact: new Set() };
    const isAsMeant = ({ path, mode, owner }: LeafFile): boolean =>
      isThere(path) && known.get(path)!.mode === mode && known.get(path)!.owner === owner;
    const intact = new Set(files.filter(isAsMeant).map(({ path }) => path));
    const isWhole = intact.size === files.length;
    const isMeant =
      made.kind === cert.kind &&
      sameNames(made.names, cert.names) &&
      (authority === null || made.authority === authority);
    const isOld = isDue(made, now) && latest > made.not_after + (latest - now) / 10;
    const isEarly = isSure && now < made.not_before;
    return { want, how: isWhole && isMeant && !isOld && !isEarly ? 'keep' : 'renew', made, intact };
  });
  return { leaves, unwanted: [...ours].filter((path) => !wanted.has(path)), foreign };
}

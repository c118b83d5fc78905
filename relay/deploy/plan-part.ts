import { ok, type Result, refuse } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine, Stat } from '../machine/machine.ts';
import { pathsToLookAt, planSwitch, type Sight, type Switch } from './plan-switch.ts';
import { planSecrets } from './secrets-plan.ts';
import { readKeptPart, type TargetState } from './target-state.ts';

/** What a part would change, and the generation in force. */
export type Planned = { readonly before: ReleasePart | undefined; readonly moves: Switch };

/** Looks at a target, changes nothing, and says how a part gets there; or what stands in the way. */
export async function planPart(
  machine: Machine,
  state: TargetState,
  after: ReleasePart,
): Promise<Result<Planned, string>> {
  let before: ReleasePart | undefined;
  if (state.current !== null) {
    const kept = await readKeptPart(machine, state.current);
    if (!kept.ok) return kept;
    const secrets = await planSecrets(kept.value);
    before = secrets.ok ? secrets.value.part : kept.value;
  }
  const paths = pathsToLookAt(before, after, state.folders);
  const all = [...paths.files, ...paths.folders];
  const stats = await machine.stat(all);
  if (!stats.ok) return stats;
  const digests = await machine.digest(paths.files);
  if (!digests.ok) return digests;
  const sights = new Map<string, Sight>(
    all.map((path, index) => [path, { stat: stats.value[index]!, digest: digests.value[index] ?? null }]),
  );
  const owners = [
    ...new Set([...after.files, ...after.apps.flatMap(({ dirs }) => dirs)].map(({ owner }) => owner)),
  ];
  const ids = await machine.findOwners(owners);
  if (!ids.ok) return ids;
  const unknown = owners.find((_, index) => ids.value[index] === null);
  if (unknown !== undefined) return refuse('owner_unknown', `${machine.name} knows no owner ${unknown}`);
  const sameOwner = ({ uid, gid }: Stat, owner: string): boolean => {
    const id = ids.value[owners.indexOf(owner)];
    return id?.uid === uid && id.gid === gid;
  };
  const moves = planSwitch(
    { before, after, folders: state.folders, claimed: state.claimed ?? [], sights },
    sameOwner,
  );
  if (moves.ok) {
    // What somebody changed by hand counts as a change: its services are to run with what is put back.
    const drifted = new Set(moves.value.drifted);
    const files = before?.files.map((file) =>
      drifted.has(file.path) ? { ...file, digest: noDigest } : file,
    );
    return ok({ before: before && { ...before, files: files! }, moves: moves.value });
  }
  const [first] = moves.obstacles;
  const named = moves.obstacles.map(({ path }) => path).slice(0, 5);
  return refuse(first!.why, `${named.join(', ')} on ${machine.name}`);
}

/** Of no file. */
const noDigest = `sha256:${'0'.repeat(64)}`;

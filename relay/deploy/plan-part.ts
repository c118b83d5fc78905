import { ok, type Result, refuse } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine, MachineReason } from '../machine/machine.ts';
import { type Obstacle, planSwitch, type Switch } from './plan-switch.ts';
import { lookAtPaths } from './sights.ts';
import { findStrangers } from './strangers.ts';
import { readKeptPart, type StateReason, type TargetState } from './target-state.ts';

/** What a part would change, and the generation in force. */
export type Planned = { readonly before: ReleasePart | undefined; readonly moves: Switch };
type PlanReason = StateReason | MachineReason | Obstacle['why'] | 'prune_too_much';

/** Looks at a target, changes nothing, and says how a part gets there; or what stands in the way. */
export async function planPart(
  machine: Machine,
  state: TargetState,
  after: ReleasePart,
): Promise<Result<Planned, PlanReason>> {
  let before: ReleasePart | undefined;
  if (state.current !== null) {
    const kept = await readKeptPart(machine, state.current);
    if (!kept.ok) return kept;
    before = kept.value;
  }
  const strangers = await findStrangers(machine, after);
  if (!strangers.ok) return strangers;
  const input = { before, after, folders: state.folders, strangers: strangers.value };
  const looked = await lookAtPaths(machine, input);
  if (!looked.ok) return looked;
  const { sights } = looked.value;
  if (sights.unknownOwner !== undefined) {
    return refuse('owner_unknown', `${machine.name} knows no owner ${sights.unknownOwner}`);
  }
  const moves = planSwitch(
    { ...input, claimed: state.claimed ?? [], sights: sights.paths },
    sights.sameOwner,
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

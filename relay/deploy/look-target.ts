import { ok, type Result, refuse } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { TargetReport } from '../../schema/wire/report.ts';
import type { Machine } from '../machine/machine.ts';
import type { ActivationCode } from './codes.ts';
import { findDrift } from './find-drift.ts';
import { lookAtPaths } from './sights.ts';
import { maxStateBytes, parseTargetState, readKeptPart, readTargetState, stateFile } from './target-state.ts';
import { isTemplate, unitsOf } from './units.ts';

/** What a target is, in the shape of a relay's report, and what no report tells. */
export type TargetSight = Pick<TargetReport, 'part' | 'drifted' | 'drift'> & {
  /** Whether an activation has not settled: it is to be undone. */
  readonly pending: boolean;
};

/** Differences that a report tells one by one (schema/wire/report.ts). */
const toldDrift = 50;
const toldName = 255;
/** A path may be longer than a report tells; a report with it would be none. */
const cut = (name: string): string =>
  name.length <= toldName ? name : `${name.slice(0, toldName - 1).toWellFormed()}…`;

/**
 * Makes what looks at a target again and again: which part is in force, and what differs from it. It writes nothing; on
 * this host it starts no program, and elsewhere it is one, once the part is known: it is kept in memory from one look to
 * the next. What is not the machine's fault is told, and never thrown.
 */
export function createTargetLook(machine: Machine): () => Promise<Result<TargetSight, ActivationCode>> {
  let known: Known | null = null;
  return async () => {
    const seen = known === null ? ok(null) : await lookByPart(machine, known);
    if (!seen.ok) return seen;
    if (seen.value !== null) return ok(seen.value);
    const state = await readTargetState(machine);
    if (!state.ok) return state;
    const { current, pending } = state.value;
    if (current === null) return ok({ part: null, pending: pending !== null, drifted: 0, drift: [] });
    const part = await readKeptPart(machine, current);
    if (!part.ok) return part;
    known = { digest: current, part: part.value };
    const again = await lookByPart(machine, known);
    if (!again.ok) return again;
    if (again.value !== null) return ok(again.value);
    return refuse('file_changes', `another part comes in force on ${machine.name}`);
  };
}

type Known = { readonly digest: string; readonly part: ReleasePart };

/** One look; null where another part is in force. */
async function lookByPart(
  machine: Machine,
  { digest, part }: Known,
): Promise<Result<TargetSight | null, ActivationCode>> {
  const units = unitsOf(part).filter(({ service, kind }) => kind !== 'resource' && !isTemplate(service));
  const looked = await lookAtPaths(
    machine,
    { before: undefined, after: part, folders: [] },
    { read: [stateFile], maxBytes: maxStateBytes, units: units.map(({ service }) => service) },
  );
  if (!looked.ok) return looked;
  const { sights, seen } = looked.value;
  const state = parseTargetState(machine, seen.read[0]!);
  if (!state.ok) return state;
  const { current, pending } = state.value;
  if (current !== digest) return ok(null);
  const drift = findDrift(part, sights, seen.units, state.value.claimed);
  return ok({
    part: current,
    pending: pending !== null,
    drifted: drift.length,
    drift: drift.slice(0, toldDrift).map((one) => ({ ...one, name: cut(one.name) })),
  });
}

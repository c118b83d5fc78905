import { changedUnits } from '../../schema/change/units.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import type { WatchPath } from '../drivers/watch-path.ts';
import type { Machine } from '../machine/machine.ts';
import { bringArchives, bringArtifacts } from './artifacts/bring-artifacts.ts';
import { changeOver } from './change-over.ts';
import { checkPart } from './check-part.ts';
import { type ActivationCode, isQuarantining } from './codes.ts';
import { collectGarbage } from './collect-garbage.ts';
import { expandPart } from './expand-part.ts';
import type { HealthClock } from './health.ts';
import { bringImages } from './images.ts';
import { checkLeaves, hasCerts, type LeafPort } from './leaves/leaf-port.ts';
import { orderServices, resolveWork, type ServiceWork } from './order-services.ts';
import type { Phase } from './phases.ts';
import { planPart } from './plan-part.ts';
import { planSwitch } from './plan-switch.ts';
import { checkRequirements } from './requirements.ts';
import { revert } from './revert.ts';
import { checkSecrets, takeOverSecrets } from './secrets/secrets.ts';
import { tablePath } from './secrets/secrets-plan.ts';
import { changedFilled } from './secrets/secrets-preview.ts';
import { lookAtPaths } from './sights.ts';
import { type BlobSource, stage, type Wanted } from './stage.ts';
import { findStrangers } from './strangers.ts';
import { createSystemd, type SystemdReason } from './systemd.ts';
import {
  maxStateBytes,
  type Pending,
  parseTargetState,
  quarantined,
  readTargetState,
  settled,
  stateFile,
  type TargetState,
  writeTargetState,
} from './target-state.ts';
import { findWayBack } from './way-back.ts';

/** What an activation is given. */
export type ActivateDeps = {
  readonly machine: Machine;
  readonly clock: HealthClock;
  readonly signal: AbortSignal;
  readonly blob: BlobSource;
  /** Told as it comes along; each at most once. */
  progress(phase: 'staged' | 'activated'): void;
  /** Whether this host is reached as before once all is healthy: a change that cuts it off is put back. */
  readonly watchPath?: WatchPath;
  /** Makes certificates of the private CA; absent where none are made. */
  readonly leaves?: LeafPort;
  /** Told before each phase begins. */
  at?(phase: Phase): void;
};

export type ActivateResult = {
  /** Whether the target was as wanted already, and nothing was written. */
  readonly already: boolean;
  readonly files: number;
  /** Services that did not run before. */
  readonly started: number;
  readonly restarted: number;
  readonly reloaded: number;
  readonly stopped: number;
};

export type Activation =
  | { readonly state: 'succeeded'; readonly result: ActivateResult }
  /**
   * `code` says why; `back` whether the generation before is in force again, and what it ran runs. `detail` may hold what
   * programs of the target print: it is for the owner alone.
   */
  | {
      readonly state: 'failed';
      readonly code: ActivationCode;
      readonly detail?: string;
      readonly back: boolean;
    };

const nothingDone = { files: 0, started: 0, restarted: 0, reloaded: 0, stopped: 0 };
const failed = (code: ActivationCode, detail: string | undefined, back: boolean): Activation => ({
  state: 'failed',
  code,
  back,
  ...(detail !== undefined && { detail }),
});

/** What systemd refuses before anything is changed says that it cannot be asked. */
const codeOf = (reason: ActivationCode | SystemdReason): ActivationCode =>
  reason === 'systemd_refused' ? 'machine_error' : reason;

/**
 * Brings a target from the generation that it runs to a part of a release. Whatever fails on the way, the generation
 * before is put back and its services run again; a relay or target that dies on the way is put back by
 * `revertPending`. Where the part is in force and nothing differs, it is one look, and nothing is written.
 *
 * @param again whether a part that failed here before is tried anew
 */
export async function activate(deps: ActivateDeps, given: Wanted, again = false): Promise<Activation> {
  const { machine } = deps;
  const at = deps.at ?? (() => {});
  at('look');
  let expanded = await expandPart(machine, given.part);
  if (!expanded.ok) return failed(expanded.reason, expanded.detail, true);
  const { unknown } = expanded.value;
  const seen = await lookAtTarget(machine, { ...given, part: expanded.value.part });
  if (!seen.ok) return failed(seen.reason, seen.detail, true);
  if (seen.value.inForce && unknown.length === 0)
    return { state: 'succeeded', result: { already: true, ...nothingDone } };
  let { state } = seen.value;
  if (state.pending !== null) {
    at('back');
    const back = await goBack(machine, state);
    if (!back.ok) return failed(back.reason, back.detail, false);
    ({ state } = back.value);
    at('look');
  }
  const bad = state.quarantined.find(({ part }) => part === given.digest);
  if (bad !== undefined && !again) {
    return failed('part_quarantined', `it failed on ${machine.name} with ${bad.code}`, true);
  }
  const there = await checkRequirements(machine, given.part);
  if (!there.ok) return failed(there.reason, there.detail, true);
  if (unknown.length > 0) {
    const brought = await bringArchives(machine, unknown, deps.signal);
    if (!brought.ok) return failBefore(machine, state, given.digest, brought);
    expanded = await expandPart(machine, given.part);
    if (!expanded.ok) return failBefore(machine, state, given.digest, expanded);
  }
  const { part, own, needs, table } = expanded.value;
  const wanted = { ...given, part };
  const planned = await planPart(machine, state, wanted.part);
  if (!planned.ok) return failed(planned.reason, planned.detail, true);
  const { before, moves } = planned.value;
  const systemd = createSystemd(machine, deps.signal);
  const changes = changedUnits(before, wanted.part);
  const resolved = await resolveWork(systemd, orderServices(before, wanted.part, changes));
  if (!resolved.ok) return failed(codeOf(resolved.reason), resolved.detail, true);
  const work = resolved.value;

  at('stage');
  const named = new Set([...given.part.files.map((file) => file.digest), ...needs]);
  const blob: BlobSource = async (digest) => {
    const made = own.get(digest);
    if (made !== undefined) return ok(made);
    // What archives hold is the target's own word: it is brought no bytes of others for it.
    return named.has(digest) ? deps.blob(digest) : refuse('blob_missing', `the release has no ${digest}`);
  };
  const put = moves.ops.flatMap((op) => (op.do === 'put' ? [op.digest] : []));
  const fetched = await bringArtifacts(machine, part, put, deps.signal);
  if (!fetched.ok) return failBefore(machine, state, wanted.digest, fetched);
  const staged = await stage({ machine, blob }, wanted, moves, needs);
  if (!staged.ok) return failBefore(machine, state, wanted.digest, staged);
  const coming = work.groups.flatMap(({ start, restart }) => [...start, ...restart]);
  const images = await bringImages(machine, wanted.part, coming, deps.signal);
  if (!images.ok) return failBefore(machine, state, wanted.digest, images);
  at('check');
  // The same table again has been checked and applied before.
  const hasSecrets = again || moves.claims.length > 0 || moves.ops.some(({ path }) => path === tablePath);
  const readable =
    table === null || !hasSecrets ? ok({ foreign: false }) : await checkSecrets(machine, table, moves.claims);
  if (!readable.ok) return failBefore(machine, state, wanted.digest, readable);
  const issuable = await checkLeaves(deps, wanted);
  if (!issuable.ok) return failBefore(machine, state, wanted.digest, issuable);
  const checked = await checkPart(machine, wanted.part, [...moves.ops, ...changedFilled(before, part)]);
  if (!checked.ok) return failBefore(machine, state, wanted.digest, checked);
  deps.progress('staged');

  at('journal');
  const way = { before, after: wanted.part, moves, work, digest: wanted.digest };
  const pending = await findWayBack(machine, systemd, way);
  if (!pending.ok) return failed(codeOf(pending.reason), pending.detail, true);
  const journalled = { ...state, pending: pending.value };
  const written = await writeTargetState(machine, journalled);
  // Whether it arrived may not be known: then whoever comes next goes back from nothing.
  if (!written.ok) return failed(written.reason, written.detail, true);

  const plan = { part: wanted.part, digest: wanted.digest, moves, work, pending: pending.value, hasSecrets };
  const confirmed = await deps.watchPath?.(deps.signal);
  let done: Result<unknown, ActivationCode> = await changeOver({ ...deps, systemd, at }, plan);
  if (done.ok && confirmed !== undefined) {
    at('confirm');
    done = await confirmed();
  }
  const end = { ...settled(state, wanted.digest, moves.folders), claimed: [...moves.claimed] };
  if (done.ok) {
    at('settle');
    done = await writeTargetState(machine, end);
  }
  if (!done.ok) {
    at('back');
    const back = await goBack(machine, journalled, done.reason);
    return failed(done.reason, done.detail, back.ok && back.value.down.length === 0);
  }
  at('clean');
  await deps.leaves?.accept(machine.name, wanted);
  if (hasCerts(before) || hasCerts(part)) {
    // They were full of what goes now.
    const left = state.folders.filter((path) => !moves.folders.includes(path));
    await deps.leaves?.settle(machine, wanted, left);
  }
  // There is nothing to go back to now. What cannot be taken over is the next time.
  if (readable.value.foreign) await takeOverSecrets(machine);
  await collectGarbage(machine, end);
  return { state: 'succeeded', result: summed(moves.ops.length, work, pending.value) };
}

function summed(files: number, work: ServiceWork, { services }: Pending): ActivateResult {
  const ran = new Set(services.filter((one) => one.ran).map(({ name }) => name));
  const count = (of: 'start' | 'restart' | 'reload'): readonly string[] =>
    work.groups.flatMap((group) => group[of]);
  return {
    already: false,
    files,
    started: count('start').filter((name) => !ran.has(name)).length,
    restarted: count('restart').length,
    reloaded: count('reload').length,
    stopped: work.stop.length,
  };
}

/** One look: the target's state, and whether the part is in force with nothing that differs. */
async function lookAtTarget(
  machine: Machine,
  { part, digest }: Wanted,
): Promise<Result<{ readonly state: TargetState; readonly inForce: boolean }, ActivationCode>> {
  // Why they cannot be found comes out later, too.
  const found = await findStrangers(machine, part);
  const strangers = found.ok ? found.value : [];
  const parts = { before: part, after: part, folders: [], strangers };
  const looked = await lookAtPaths(machine, parts, { read: [stateFile], maxBytes: maxStateBytes });
  if (!looked.ok) {
    // Too much for one look, or something stands where a file should: what that is comes out later.
    const state = await readTargetState(machine);
    return state.ok ? ok({ state: state.value, inForce: false }) : state;
  }
  const { sights, seen } = looked.value;
  const state = parseTargetState(machine, seen.read[0]!);
  if (!state.ok) return state;
  const { current, pending } = state.value;
  if (current !== digest || pending !== null) return ok({ state: state.value, inForce: false });
  const moves = planSwitch(
    { ...parts, claimed: state.value.claimed ?? [], sights: sights.paths },
    sights.sameOwner,
  );
  const isSame = found.ok && moves.ok && moves.value.ops.length === 0;
  return ok({ state: state.value, inForce: isSame });
}

/** Nothing was changed yet: the part is remembered as one that fails here, where it is its own fault. */
async function failBefore(
  machine: Machine,
  state: TargetState,
  part: string,
  { reason, detail }: { readonly reason: ActivationCode; readonly detail?: string },
): Promise<Activation> {
  const end = isQuarantining(reason) ? quarantined(state, part, reason) : state;
  // What was brought serves the next try, where there is one by itself.
  if (end !== state || reason === 'no_space') await collectGarbage(machine, end);
  if (end !== state) await writeTargetState(machine, end);
  return failed(reason, detail, true);
}

/**
 * Goes back from an activation that has not settled, after a crash. Doing it twice is doing it once.
 *
 * `revert_failed`: all files are back and the target is settled, but services that ran before do not run again.
 */
export async function revertPending(
  { machine }: Pick<ActivateDeps, 'machine'>,
  state: TargetState,
): Promise<Result<TargetState, ActivationCode>> {
  const back = await goBack(machine, state);
  if (!back.ok) return back;
  const { down } = back.value;
  return down.length === 0
    ? ok(back.value.state)
    : refuse('revert_failed', `not running: ${down.join(', ')}`);
}

/**
 * Not under the signal of what failed: going back must not be left half done.
 *
 * @param failure why, when it failed: where that is the part's own fault, it is not tried again by itself
 */
async function goBack(
  machine: Machine,
  state: TargetState,
  failure?: ActivationCode,
): Promise<Result<{ readonly state: TargetState; readonly down: readonly string[] }, ActivationCode>> {
  const { pending } = state;
  if (pending === null) return ok({ state, down: [] });
  const down = await revert(machine, createSystemd(machine), { ...state, pending });
  if (!down.ok) return refuse(down.reason === 'systemd_refused' ? 'revert_failed' : down.reason, down.detail);
  const end =
    failure !== undefined && isQuarantining(failure)
      ? quarantined(state, pending.part, failure)
      : { ...state, pending: null };
  let written = await writeTargetState(machine, end);
  if (!written.ok && written.reason === 'no_space') {
    await collectGarbage(machine, end);
    written = await writeTargetState(machine, end);
  }
  return written.ok ? ok({ state: end, down: down.value }) : written;
}

import { changedUnits } from '../../schema/change/units.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine } from '../machine/machine.ts';
import { checkUnits } from './check-units.ts';
import { collectGarbage } from './collect-garbage.ts';
import { awaitHealth, type HealthClock } from './health.ts';
import { networkNames } from './networks.ts';
import { orderServices, type ServiceWork } from './order-services.ts';
import { performOps } from './perform.ts';
import { planPart } from './plan-part.ts';
import type { Switch } from './plan-switch.ts';
import { removeNetwork } from './remove-network.ts';
import { revert } from './revert.ts';
import { applySecrets, checkSecrets, takeOverSecrets } from './secrets.ts';
import { planSecrets, type SecretPlan, tablePath } from './secrets-plan.ts';
import { type BlobSource, stage, type Wanted } from './stage.ts';
import { createSystemd, type Systemd } from './systemd.ts';
import {
  type Pending,
  quarantined,
  readTargetState,
  settled,
  type TargetState,
  writeTargetState,
} from './target-state.ts';

/** What an activation is given. */
export type ActivateDeps = {
  readonly machine: Machine;
  readonly clock: HealthClock;
  readonly signal: AbortSignal;
  readonly blob: BlobSource;
  /** Told as it comes along; each at most once. */
  progress(phase: 'staged' | 'activated'): void;
};

export type ActivateResult = {
  /** Whether the target was as wanted already, and nothing was written. */
  readonly already: boolean;
  readonly files: number;
  readonly started: number;
  readonly restarted: number;
  readonly reloaded: number;
  readonly stopped: number;
};

export type Activation =
  | { readonly state: 'succeeded'; readonly result: ActivateResult }
  /** `code` says why; `back` whether the generation before is in force again, as it was. */
  | { readonly state: 'failed'; readonly code: string; readonly detail?: string; readonly back: boolean };

const nothingDone = { files: 0, started: 0, restarted: 0, reloaded: 0, stopped: 0 };
const failed = (code: string, detail: string | undefined, back: boolean): Activation => ({
  state: 'failed',
  code,
  back,
  ...(detail !== undefined && { detail }),
});

/**
 * Brings a target from the generation that it runs to a part of a release. Whatever fails on the way, the generation
 * before is put back and its services run again; a relay or target that dies on the way is put back by
 * `revertPending`.
 *
 * @param again whether a part that failed here before is tried anew
 */
export async function activate(deps: ActivateDeps, wanted: Wanted, again = false): Promise<Activation> {
  const { machine } = deps;
  const read = await readTargetState(machine);
  if (!read.ok) return failed(read.reason, read.detail, true);
  let state = read.value;
  if (state.pending !== null) {
    const back = await revertPending(deps, state);
    if (!back.ok) return failed(back.reason, back.detail, false);
    state = back.value;
  }
  const bad = state.quarantined.find(({ part }) => part === wanted.digest);
  if (bad !== undefined && !again) {
    return failed('part_quarantined', `it failed on ${machine.name} with ${bad.code}`, true);
  }
  const secrets = await planSecrets(wanted.part);
  if (!secrets.ok) return failed(secrets.reason, secrets.detail, true);
  const { own, needs, table } = secrets.value;
  const planned = await planPart(machine, state, secrets.value.part);
  if (!planned.ok) return failed(planned.reason, planned.detail, true);
  const { before, moves } = planned.value;
  if (state.current === wanted.digest && moves.ops.length === 0) {
    return { state: 'succeeded', result: { already: true, ...nothingDone } };
  }

  const blob: BlobSource = async (digest) => {
    const made = own.get(digest);
    return made === undefined ? deps.blob(digest) : ok(made);
  };
  const staged = await stage({ machine, blob }, wanted, moves, needs);
  if (!staged.ok) return failed(staged.reason, staged.detail, true);
  const readable = table === null ? null : await checkSecrets(machine, table, moves.claims);
  if (readable?.ok === false) return fail(deps, state, wanted.digest, readable.reason, readable.detail);
  const checked = await checkUnits(machine, moves.ops);
  if (!checked.ok) return fail(deps, state, wanted.digest, checked.reason, checked.detail);
  deps.progress('staged');

  const systemd = createSystemd(machine, deps.signal);
  const changes = changedUnits(before, wanted.part);
  const work = orderServices(wanted.part, changes);
  const undo = await howToGoBack(machine, systemd, { before, moves, work, part: wanted.digest });
  if (!undo.ok) return failed(undo.reason, undo.detail, true);
  const journalled: TargetState = { ...state, pending: undo.value };
  const written = await writeTargetState(machine, journalled);
  if (!written.ok) return failed(written.reason, written.detail, true);

  const done = await change(deps, systemd, wanted.part, { moves, work, pending: undo.value, table });
  if (!done.ok) {
    const back = await revertPending({ machine }, journalled, { code: done.reason });
    return failed(done.reason, done.detail, back.ok);
  }
  const end = { ...settled(state, wanted.digest, moves.folders), claimed: [...moves.claimed] };
  const kept = await writeTargetState(machine, end);
  if (!kept.ok) {
    const back = await revertPending({ machine }, journalled, { code: kept.reason });
    return failed(kept.reason, kept.detail, back.ok);
  }
  // There is nothing to go back to now. What cannot be taken over is the next time.
  if (readable?.value.foreign === true) await takeOverSecrets(machine);
  await collectGarbage(machine, end);
  const count = (of: 'start' | 'restart' | 'reload'): number =>
    work.groups.reduce((sum, group) => sum + group[of].length, 0);
  return {
    state: 'succeeded',
    result: {
      already: false,
      files: moves.ops.length,
      started: count('start'),
      restarted: count('restart'),
      reloaded: count('reload'),
      stopped: work.stop.length,
    },
  };
}

/** What is the part's own fault: tried again, it fails again. All else may go well the next time. */
const partFaults: ReadonlySet<string> = new Set([
  'unit_invalid',
  'service_failed',
  'service_flaps',
  'container_unhealthy',
  'probe_failed',
  'network_in_use',
  'secret_not_for_target',
  'secret_unreadable',
  'secret_not_text',
  'derived_unfit',
]);

/** Nothing was changed yet: the part is remembered as one that fails here, where it is its own fault. */
async function fail(
  { machine }: Pick<ActivateDeps, 'machine'>,
  state: TargetState,
  part: string,
  code: string,
  detail: string | undefined,
): Promise<Activation> {
  if (partFaults.has(code)) await writeTargetState(machine, quarantined(state, part, code));
  return failed(code, detail, true);
}

/**
 * Goes back from an activation that has not settled, after a crash or a failure. Doing it twice is doing it once.
 *
 * @param failure why, when it failed: where that is the part's own fault, it is not tried again by itself
 */
export async function revertPending(
  { machine }: Pick<ActivateDeps, 'machine'>,
  state: TargetState,
  failure?: { readonly code: string },
): Promise<Result<TargetState, string>> {
  const { pending } = state;
  if (pending === null) return ok(state);
  // Not under the signal of what failed: going back must not be left half done.
  const back = await revert(machine, createSystemd(machine), pending);
  if (!back.ok) return back;
  const end =
    failure !== undefined && partFaults.has(failure.code)
      ? quarantined(state, pending.part, failure.code)
      : { ...state, pending: null };
  const written = await writeTargetState(machine, end);
  return written.ok ? ok(end) : written;
}

/** What to remember before anything changes. */
async function howToGoBack(
  machine: Machine,
  systemd: Systemd,
  given: {
    readonly before: ReleasePart | undefined;
    readonly moves: Switch;
    readonly work: ServiceWork;
    readonly part: string;
  },
): Promise<Result<Pending, string>> {
  const { before, moves, work, part } = given;
  const networks = before === undefined ? ok([]) : await networkNames(machine, before, work.remake);
  if (!networks.ok) return networks;
  const users = await systemd.show(work.remake);
  if (!users.ok) return users;
  const touched = [
    ...work.stop,
    ...work.groups.flatMap(({ start, restart, reload }) => [...start, ...restart, ...reload]),
    ...users.value.flatMap(({ requiredBy }) => requiredBy),
  ].filter((name) => name.endsWith('.service') || /\.(timer|socket|path|mount|target)$/.test(name));
  const names = [...new Set(touched)];
  const shown = await systemd.show(names);
  if (!shown.ok) return shown;
  const ran = new Set(
    names.filter((_, index) => /^(active|activating|reloading)$/.test(shown.value[index]!.active)),
  );
  return ok({
    part,
    undo: [...moves.undo],
    was: names.filter((name) => ran.has(name)),
    fresh: names.filter((name) => !ran.has(name)),
    networks: networks.value,
  });
}

/** From the first change to the last service that is healthy. */
async function change(
  deps: ActivateDeps,
  systemd: Systemd,
  part: ReleasePart,
  {
    moves,
    work,
    pending,
    table,
  }: {
    readonly moves: Switch;
    readonly work: ServiceWork;
    readonly pending: Pending;
    readonly table: SecretPlan['table'];
  },
): Promise<Result<true, string>> {
  const { machine, signal } = deps;
  const stopped = await systemd.ask('stop', work.stop);
  if (!stopped.ok) return refuse('service_failed', stopped.detail);
  for (const { service, name } of pending.networks) {
    const gone = await removeNetwork(machine, systemd, service, name);
    if (!gone.ok) return gone;
  }
  const switched = await performOps(machine, moves.ops);
  if (!switched.ok) return switched;
  if (moves.ops.some(({ path }) => isUnitPath(path))) {
    const reloaded = await systemd.reloadUnits();
    if (!reloaded.ok) return refuse('service_failed', reloaded.detail);
  }
  if (table !== null || moves.ops.some(({ path }) => path === tablePath)) {
    const applied = await applySecrets(machine);
    if (!applied.ok) return applied;
  }
  deps.progress('activated');
  for (const group of work.groups) {
    for (const [verb, services] of [
      ['start', group.start],
      ['restart', group.restart],
      ['reload-or-restart', group.reload],
    ] as const) {
      const asked = await systemd.ask(verb, services);
      if (!asked.ok)
        return refuse(asked.reason === 'systemd_refused' ? 'service_failed' : asked.reason, asked.detail);
    }
  }
  // Those that a network took along and that nothing else has started.
  const again = pending.networks.length === 0 ? [] : pending.was.filter((name) => !work.stop.includes(name));
  const up = await systemd.ask('start', again);
  if (!up.ok) return refuse('service_failed', up.detail);
  for (const group of work.groups) {
    const app = part.apps.find(({ name }) => name === group.app)!;
    const services = [...group.start, ...group.restart, ...group.reload];
    const sick = await awaitHealth({ machine, systemd, clock: deps.clock, signal }, app, services);
    if (sick !== null) return refuse(sick.fault, sick.detail);
  }
  return ok(true);
}

const isUnitPath = (path: string): boolean => /^\/etc\/(containers\/systemd|systemd\/system)\//.test(path);

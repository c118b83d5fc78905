import { ok, type Result, refuse } from '../../schema/result.ts';
import type { Machine, MachineReason, Sight } from '../machine/machine.ts';
import { collectGarbage } from './collect-garbage.ts';
import { removeNetworks } from './networks.ts';
import { applySecrets } from './secrets/secrets.ts';
import { tablePath } from './secrets/secrets-plan.ts';
import { isRunning, type Systemd, type SystemdReason, type UnitState } from './systemd.ts';
import { changesOf, type Op, type Pending, type TargetState } from './target-state.ts';
import { isUnitPath } from './units.ts';

export type RevertReason = MachineReason | SystemdReason | 'network_in_use' | 'revert_failed';

/**
 * Brings back what was there before an activation: files first, then the services that ran. A service that still runs
 * what it ran is not interrupted. Doing it twice is doing it once.
 *
 * @returns services that ran before and do not run again, though all files are back
 */
export async function revert(
  machine: Machine,
  systemd: Systemd,
  state: TargetState & { readonly pending: Pending },
): Promise<Result<readonly string[], RevertReason>> {
  const { pending } = state;
  const { undo, services } = pending;
  const names = services.map(({ name }) => name);
  const ran = services.filter((one) => one.ran);
  const shown = await systemd.show(names);
  if (!shown.ok) return shown;
  const now = new Map(names.map((name, index) => [name, shown.value[index]!]));

  const fresh = services.filter(({ name, ran: before }) => !before && isRunning(now.get(name)!));
  const remade = pending.networks.filter(({ service }) => {
    const was = services.find(({ name }) => name === service);
    return was === undefined || isOther(was, now.get(service)!);
  });
  const stop = [...fresh.map(({ name }) => name), ...remade.map(({ service }) => service)];
  const stopped = await systemd.ask('stop', stop);
  if (!stopped.ok) return stopped;
  // A unit that goes would be remembered as failed.
  const failed = services.filter(({ name, ran: before }) => !before && now.get(name)!.active === 'failed');
  const forgotten = await systemd.ask(
    'reset-failed',
    failed.map(({ name }) => name),
  );
  if (!forgotten.ok) return forgotten;
  const removed = await removeNetworks(machine, remade);
  if (!removed.ok) return removed;
  const linked = await systemd.isEnabled(pending.disabled);
  if (!linked.ok) return linked;
  const off = pending.disabled.filter((_, index) => linked.value[index] === 'enabled');
  const unlinked = await systemd.link('disable', off);
  if (!unlinked.ok) return unlinked;

  const files = await putBack(machine, state);
  if (!files.ok) return files;
  if (undo.some(({ path }) => path === tablePath)) {
    const secrets = await applySecrets(machine);
    if (!secrets.ok) return refuse('revert_failed', `${secrets.reason}: ${secrets.detail}`);
  }
  const on = await systemd.link('reenable', pending.enabled);
  if (!on.ok) return on;
  if (undo.some(({ path }) => isUnitPath(path)) || off.length + pending.enabled.length > 0) {
    const reloaded = await systemd.reloadUnits();
    if (!reloaded.ok) return reloaded;
  }
  return runAgain(systemd, ran);
}

type Was = Pending['services'][number];

/** Whether it is not the run any more that was there before. */
const isOther = ({ invocation }: Was, now: UnitState): boolean =>
  !isRunning(now) || now.invocation !== invocation;

/** What a machine says of a file that nobody may change: an immutable one, or one that something is mounted on. */
const unchangeable: ReadonlySet<MachineReason> = new Set(['not_permitted', 'read_only', 'machine_error']);

/** On a full disk, what the failed part brought is in the way of what was there. */
async function putBack(
  machine: Machine,
  state: TargetState & { readonly pending: Pending },
): Promise<Result<true, MachineReason>> {
  const { undo } = state.pending;
  const done = await machine.change(changesOf(undo));
  if (done.ok) return done;
  if (done.reason === 'no_space') {
    await collectGarbage(machine, state);
    return machine.change(changesOf(undo));
  }
  if (!unchangeable.has(done.reason)) return done;
  // It has been left as it was, then: the rest must not wait for it.
  const paths = undo.map(({ path }) => path);
  const seen = await machine.look({ read: [], maxBytes: 0, paths, owners: [], units: [] });
  if (!seen.ok) return done;
  return machine.change(changesOf(undo.filter((op, index) => !isSo(op, seen.value.paths[index]!))));
}

/** Whether what a change brings about is there already. */
function isSo(op: Op, { stat, digest }: Sight): boolean {
  if (op.do === 'remove') return stat === null;
  if (stat === null) return false;
  if (op.do === 'link') return stat.kind === 'link' && stat.to === op.to;
  const isListed = stat.mode === op.mode && `${stat.uid}:${stat.gid}` === op.owner;
  if (op.do === 'folder') return isListed && stat.kind === 'folder';
  return isListed && (op.do === 'listing' || digest === op.digest);
}

/** Gives systemd's own fault no weight: which services run in the end is what counts. */
async function runAgain(
  systemd: Systemd,
  ran: readonly Was[],
): Promise<Result<readonly string[], SystemdReason>> {
  const names = ran.map(({ name }) => name);
  const shown = await systemd.show(names);
  if (!shown.ok) return shown;
  const restart = ran.filter((was, index) => isOther(was, shown.value[index]!)).map(({ name }) => name);
  const reload = ran.filter((was) => was.reload && !restart.includes(was.name)).map(({ name }) => name);
  for (const [verb, services] of [
    ['reset-failed', restart],
    ['restart', restart],
    ['reload-or-restart', reload],
  ] as const) {
    const asked = await systemd.ask(verb, services);
    if (!asked.ok && asked.reason !== 'systemd_refused') return asked;
  }
  const end = await systemd.show(restart);
  if (!end.ok) return end;
  return ok(restart.filter((_, index) => !isRunning(end.value[index]!)));
}

import { ok, type Result, refuse } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine } from '../machine/machine.ts';
import type { ActivationCode } from './codes.ts';
import { explainFailure } from './explain-failure.ts';
import { awaitHealth, type HealthClock } from './health.ts';
import { removeNetworks } from './networks.ts';
import type { ServiceWork } from './order-services.ts';
import type { Phase } from './phases.ts';
import type { Switch } from './plan-switch.ts';
import type { Systemd, SystemdReason, Verb } from './systemd.ts';
import { changesOf, type Pending } from './target-state.ts';
import { isNative, isUnitPath, unitsOf } from './units.ts';

type Deps = {
  readonly machine: Machine;
  readonly systemd: Systemd;
  readonly clock: HealthClock;
  readonly signal: AbortSignal;
  at(phase: Phase): void;
  progress(phase: 'activated'): void;
};

type Plan = {
  readonly part: ReleasePart;
  readonly moves: Switch;
  readonly work: ServiceWork;
  readonly pending: Pending;
};

/** From the first change to the last service that is healthy. How to go back is written down before. */
export async function changeOver(deps: Deps, plan: Plan): Promise<Result<true, ActivationCode>> {
  const { machine, systemd } = deps;
  const { part, moves, work, pending } = plan;
  const asked = async (verb: Verb, services: readonly string[]): Promise<Result<true, ActivationCode>> => {
    const done = await systemd.ask(verb, services);
    if (done.ok) return done;
    if (done.reason !== 'systemd_refused' && done.reason !== 'timeout')
      return refuse(done.reason, done.detail);
    const code = done.reason === 'timeout' ? 'start_timeout' : 'service_failed';
    const why = await explainFailure(machine, systemd, services, { code, detail: done.detail ?? '' });
    return refuse(why.code, why.detail);
  };

  deps.at('stop');
  const stopped = await asked('stop', [...work.stop, ...work.remake]);
  if (!stopped.ok) return stopped;
  const removed = await removeNetworks(machine, pending.networks);
  if (!removed.ok) return removed;
  const off = await asked(
    'disable',
    pending.enabled.filter((name) => work.stop.includes(name)),
  );
  if (!off.ok) return off;

  deps.at('switch');
  const switched = await machine.change(changesOf(moves.ops));
  if (!switched.ok) return switched;

  deps.at('reload');
  const reloaded = await reloadUnits(systemd, plan, asked);
  if (!reloaded.ok) return reloaded;
  deps.progress('activated');

  deps.at('start');
  for (const group of work.groups) {
    for (const [verb, services] of [
      ['start', group.start],
      ['restart', group.restart],
      ['reload-or-restart', group.reload],
    ] as const) {
      const done = await asked(verb, services);
      if (!done.ok) return done;
    }
  }
  const again = await asked('start', takenAlong(plan));
  if (!again.ok) return again;

  deps.at('health');
  for (const group of work.groups) {
    const app = part.apps.find(({ name }) => name === group.app)!;
    const services = [...group.start, ...group.restart, ...group.reload];
    const sick = await awaitHealth(deps, app, services);
    if (sick === null) continue;
    const why =
      sick.code === 'service_failed' ? await explainFailure(machine, systemd, sick.services, sick) : sick;
    return refuse(why.code, why.detail);
  }
  return ok(true);
}

/** What systemd refuses after the files changed is the part's own fault. */
const codeOf = (reason: SystemdReason): ActivationCode =>
  reason === 'systemd_refused' ? 'service_failed' : reason;

/** Lets systemd read changed unit files, and sees to it that what starts with the machine does so from now on. */
async function reloadUnits(
  systemd: Systemd,
  { part, moves, work, pending }: Plan,
  asked: (verb: Verb, services: readonly string[]) => Promise<Result<true, ActivationCode>>,
): Promise<Result<true, ActivationCode>> {
  if (moves.ops.some(({ path }) => isUnitPath(path))) {
    const reloaded = await systemd.reloadUnits();
    if (!reloaded.ok) return refuse(codeOf(reloaded.reason), reloaded.detail);
  }
  const native = new Set(
    unitsOf(part)
      .filter(isNative)
      .map(({ service }) => service),
  );
  const started = work.groups.flatMap(({ start, restart }) => [...start, ...restart]);
  const touched = started.filter((name) => native.has(name));
  const shown = await systemd.show(touched);
  if (!shown.ok) return refuse(codeOf(shown.reason), shown.detail);
  const changed = new Set(moves.ops.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)));
  const off = touched.filter((_, index) => shown.value[index]!.file === 'disabled');
  // Its [Install] may have come to say otherwise.
  const on = touched.filter((name) => pending.enabled.includes(name) && changed.has(name));
  const enabled = await asked(
    'enable',
    off.filter((name) => !on.includes(name)),
  );
  return enabled.ok ? asked('reenable', on) : enabled;
}

/** Services that ran, that a network took along, and that nothing else has started. */
function takenAlong({ work, pending }: Plan): string[] {
  if (pending.networks.length === 0) return [];
  const gone = new Set([...work.stop, ...work.drop]);
  return pending.services.filter(({ name, ran }) => ran && !gone.has(name)).map(({ name }) => name);
}

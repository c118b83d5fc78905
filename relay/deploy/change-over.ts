import { volumeOf } from '../../schema/change/volume-paths.ts';
import { ok, type Refusal, type Result, refuse } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine } from '../machine/machine.ts';
import type { ActivationCode } from './codes.ts';
import { explainFailure } from './explain-failure.ts';
import { awaitHealth, type HealthClock } from './health.ts';
import { bringLeavesOf, type LeafPort } from './leaves/leaf-port.ts';
import { removeNetworks } from './networks.ts';
import { orderApps, type ServiceWork } from './order-services.ts';
import type { Phase } from './phases.ts';
import type { Switch } from './plan-switch.ts';
import { applySecrets } from './secrets/secrets.ts';
import type { Systemd, SystemdReason, Verb } from './systemd.ts';
import { changesOf, type Pending } from './target-state.ts';
import { isNative, isUnitPath, unitsOf } from './units.ts';
import { volumeServices } from './volume-services.ts';

type Deps = {
  readonly machine: Machine;
  readonly systemd: Systemd;
  readonly clock: HealthClock;
  readonly signal: AbortSignal;
  readonly leaves?: LeafPort;
  at(phase: Phase): void;
  progress(phase: 'activated'): void;
};

type Plan = {
  readonly part: ReleasePart;
  readonly digest: string;
  readonly moves: Switch;
  readonly work: ServiceWork;
  readonly pending: Pending;
  /** Whether there is something to fill in or to take away. */
  readonly hasSecrets: boolean;
};

/** From the first change to the last service that is healthy. How to go back is written down before. */
export async function changeOver(deps: Deps, plan: Plan): Promise<Result<true, ActivationCode>> {
  const { machine, systemd } = deps;
  const { part, moves, work, pending } = plan;
  const begunMs = deps.clock.uptimeMs();
  const explained = async (
    services: readonly string[],
    known: { readonly code: ActivationCode; readonly detail: string },
  ): Promise<Refusal<ActivationCode>> => {
    const why = await explainFailure(deps, services, known, deps.clock.uptimeMs() - begunMs);
    return refuse(why.code, why.detail);
  };
  const asked = async (verb: Verb, services: readonly string[]): Promise<Result<true, ActivationCode>> => {
    const done = await systemd.ask(verb, services);
    if (done.ok) return done;
    if (done.reason !== 'systemd_refused' && done.reason !== 'timeout')
      return refuse(done.reason, done.detail);
    const code = done.reason === 'timeout' ? 'start_timeout' : 'service_failed';
    return explained(services, { code, detail: done.detail ?? '' });
  };

  deps.at('stop');
  const stopped = await asked('stop', [...work.stop, ...work.remake]);
  if (!stopped.ok) return stopped;
  const removed = await removeNetworks(machine, pending.networks);
  if (!removed.ok) return removed;
  const off = await systemd.link(
    'disable',
    pending.enabled.filter((name) => work.stop.includes(name)),
  );
  if (!off.ok) return refuse(codeOf(off.reason), off.detail);

  deps.at('switch');
  const ops = moves.ops.filter(({ path }) => volumeOf(path) === null);
  const switched = await machine.change(changesOf(ops));
  if (!switched.ok) return switched;

  deps.at('reload');
  const reloaded = await reloadUnits(systemd, plan);
  if (!reloaded.ok) return refuse(codeOf(reloaded.reason), reloaded.detail);
  // A volume that is new is there once its service has run.
  const inVolumes = moves.ops.filter(({ path }) => volumeOf(path) !== null);
  const makers = await volumeServices(
    machine,
    part,
    inVolumes.map(({ path }) => path),
  );
  if (!makers.ok) return makers;
  const made = await asked('start', makers.value);
  if (!made.ok) return made;
  const filled = await machine.change(changesOf(inVolumes));
  if (!filled.ok) return filled;
  const secrets = plan.hasSecrets ? await applySecrets(machine) : ok('');
  if (!secrets.ok) return secrets;
  const anew = work.groups.flatMap(({ start, restart, reload }) => [...start, ...restart, ...reload]);
  const leaves = await bringLeavesOf(deps, plan, new Set(anew));
  if (!leaves.ok) return leaves;
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
  for (const services of takenAlong(plan)) {
    const again = await asked('start', services);
    if (!again.ok) return again;
  }

  deps.at('health');
  const patients = work.groups.map(({ app, start, restart, reload }) => ({
    app: part.apps.find(({ name }) => name === app)!,
    services: [...start, ...restart, ...reload],
  }));
  const sick = await awaitHealth(deps, patients);
  if (sick === null) return ok(true);
  return explained(sick.services, sick);
}

/** What systemd refuses after the files changed is the part's own fault. */
const codeOf = (reason: SystemdReason): ActivationCode =>
  reason === 'systemd_refused' ? 'service_failed' : reason;

/** Sees to it that what starts with the machine does so from now on, and lets systemd read its units. */
async function reloadUnits(
  systemd: Systemd,
  { part, moves, work, pending }: Plan,
): Promise<Result<true, SystemdReason>> {
  const native = new Set(
    unitsOf(part)
      .filter(isNative)
      .map(({ service }) => service),
  );
  const started = work.groups.flatMap(({ start, restart }) => [...start, ...restart]);
  const touched = started.filter((name) => native.has(name));
  const states = await systemd.isEnabled(touched);
  if (!states.ok) return states;
  const changed = new Set(moves.ops.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)));
  // Its [Install] may have come to say otherwise.
  const anew = touched.filter((name) => pending.enabled.includes(name) && changed.has(name));
  const on = touched.filter((name, index) => states.value[index] === 'disabled' && !anew.includes(name));
  for (const [verb, names] of [
    ['enable', on],
    ['reenable', anew],
  ] as const) {
    const done = await systemd.link(verb, names);
    if (!done.ok) return done;
  }
  const gone = pending.enabled.some((name) => work.stop.includes(name));
  if (!gone && on.length + anew.length === 0 && !moves.ops.some(({ path }) => isUnitPath(path)))
    return ok(true);
  return systemd.reloadUnits();
}

/** Services that ran, and that a network took along: app by app in their order, then those of nobody. */
function takenAlong({ part, work, pending }: Plan): string[][] {
  if (pending.networks.length === 0) return [];
  const left = new Set(pending.services.filter(({ ran }) => ran).map(({ name }) => name));
  for (const name of work.stop) left.delete(name);
  const ofApps = orderApps(part).map((app) => {
    const units = part.apps.find(({ name }) => name === app)!.units.map(({ service }) => service);
    return units.filter((service) => left.delete(service));
  });
  return [...ofApps, [...left]];
}

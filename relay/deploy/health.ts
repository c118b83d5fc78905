import { durationMs } from '../../schema/manifest/duration.ts';
import type { ReleaseApp } from '../../schema/wire/release.ts';
import type { Machine } from '../machine/machine.ts';
import type { ActivationCode } from './codes.ts';
import { addressesOf, type Container, containersOf, probe } from './probes.ts';
import type { Systemd, SystemdReason, UnitState } from './systemd.ts';

export type HealthClock = {
  uptimeMs(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

/** What was wrong last, and which services that is about; the machine's own reason where it cannot be looked at. */
export type Sick = {
  readonly code: ActivationCode;
  readonly detail: string;
  readonly services: readonly string[];
};

/** An app, and those of its services that were touched. */
export type Patient = { readonly app: ReleaseApp; readonly services: readonly string[] };

const lookEveryMs = 500;
/** So often in a row must all be well: a service that dies right after its start is not healthy. */
const looksInARow = 4;
/** A service may start once more after its start, when something that it needs is late. */
const mostStarts = 2;
const defaultWithinMs = 60_000;

/** What of one app was seen from look to look. */
type Chart = {
  readonly patient: Patient;
  readonly untilMs: number;
  wellInARow: number;
  /** The runs of its services at the last look. */
  runs: string | null;
  starts: number;
};

/**
 * Waits until the services of apps are up and stay up, their containers' own checks succeed, and their probes are
 * answered as the release says. Null when all are well at once; otherwise what was wrong last.
 */
export async function awaitHealth(
  {
    machine,
    systemd,
    clock,
    signal,
  }: {
    readonly machine: Machine;
    readonly systemd: Systemd;
    readonly clock: HealthClock;
    readonly signal: AbortSignal;
  },
  patients: readonly Patient[],
): Promise<Sick | null> {
  const begunMs = clock.uptimeMs();
  const charts = patients
    .filter(({ services }) => services.length > 0)
    .map((patient): Chart => {
      const within = patient.app.health?.within;
      const withinMs = within === undefined ? defaultWithinMs : durationMs(within);
      return { patient, untilMs: begunMs + withinMs, wellInARow: 0, runs: null, starts: 0 };
    });
  const names = charts.flatMap(({ patient }) => patient.services);
  if (names.length === 0) return null;
  const addresses = new Map<string, readonly string[]>();

  for (;;) {
    const shown = await systemd.show(names);
    if (!shown.ok)
      return { code: codeOf(shown.reason), detail: shown.detail ?? shown.reason, services: names };
    const states = new Map(names.map((name, index) => [name, shown.value[index]!]));
    const containers = await containersOf(machine, patients, signal);
    for (const chart of charts) {
      const { services } = chart.patient;
      const sick =
        judgeServices(
          chart,
          services.map((name) => states.get(name)!),
        ) ??
        judgeContainers(containers, services) ??
        (await askApp(chart.patient, containers));
      chart.wellInARow = sick === null ? chart.wellInARow + 1 : 0;
      if (signal.aborted) return { code: 'aborted', detail: 'while apps were looked at', services };
      if (sick !== null && (sick.final || clock.uptimeMs() >= chart.untilMs)) return sick;
    }
    if (charts.every(({ wellInARow }) => wellInARow >= looksInARow)) return null;
    await clock.sleep(lookEveryMs, signal);
  }

  /** Its own probe, at the addresses of its containers, and then at the machine's own. */
  async function askApp(
    { app, services }: Patient,
    containers: readonly Container[],
  ): Promise<Finding | null> {
    if (app.health === undefined) return null;
    const own = containers.filter(({ service }) => services.includes(service));
    // A container that starts again has another id, and may have another address.
    const key = own.map(({ id }) => id).join();
    const known = addresses.get(key) ?? (await addressesOf(machine, own, signal));
    addresses.set(key, known);
    const said = await probe(machine, app.health, known, signal);
    return said === null ? null : { code: 'probe_failed', detail: said, services, final: false };
  }
}

/** `final`: it will not become better by waiting. */
type Finding = Sick & { readonly final: boolean };

const codeOf = (reason: SystemdReason): ActivationCode =>
  reason === 'systemd_refused' ? 'service_failed' : reason;

/** Whether a service is as it should be once it was started; a oneshot that ended well is. */
const isUp = ({ active, type, result }: UnitState): boolean =>
  active === 'active' || (active === 'inactive' && type === 'oneshot' && result === 'success');

/** What systemd says, and whether it is the same as at the last look. */
function judgeServices(chart: Chart, states: readonly UnitState[]): Finding | null {
  const { services } = chart.patient;
  const down = states.find((unit) => !isUp(unit));
  if (down !== undefined) {
    const { service, active, result } = down;
    const code = result === 'timeout' ? 'start_timeout' : 'service_failed';
    const detail = `${service} is ${active} (${result})`;
    return { code, detail, services: [service], final: active === 'failed' };
  }
  // HAProxy goes on with its old configuration when the new one cannot be used, and systemd calls that a success.
  const kept = states.find(({ status }) => /^reload failed/i.test(status));
  if (kept !== undefined) {
    const detail = `${kept.service} says: ${kept.status}`;
    return { code: 'reload_failed', detail, services: [kept.service], final: true };
  }
  const runs = states.map(({ mainPid, restarts }) => `${mainPid}/${restarts}`).join();
  if (chart.runs !== null && chart.runs !== runs) {
    chart.starts += 1;
    chart.wellInARow = 0;
  }
  chart.runs = runs;
  if (chart.starts <= mostStarts) return null;
  return {
    code: 'service_flaps',
    detail: `${services.join(', ')} started again and again`,
    services,
    final: true,
  };
}

/** What Podman's own health checks say. */
function judgeContainers(containers: readonly Container[], services: readonly string[]): Finding | null {
  const unwell = containers.find(
    ({ service, status }) => services.includes(service) && /\((starting|unhealthy)\)/.test(status),
  );
  if (unwell === undefined) return null;
  const detail = `${unwell.service}: ${unwell.status}`;
  return { code: 'container_unhealthy', detail, services: [unwell.service], final: false };
}

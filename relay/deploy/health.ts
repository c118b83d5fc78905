import { durationMs } from '../../schema/manifest/duration.ts';
import type { ReleaseApp } from '../../schema/wire/release.ts';
import type { Machine } from '../machine/machine.ts';
import type { ActivationCode } from './codes.ts';
import type { Systemd, UnitState } from './systemd.ts';

export type HealthClock = {
  uptimeMs(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

/** What was wrong last; the reason of the machine where it cannot be looked at. */
export type Sick = {
  readonly code: ActivationCode;
  readonly detail: string;
  readonly services: readonly string[];
};

type Deps = {
  readonly machine: Machine;
  readonly systemd: Systemd;
  readonly clock: HealthClock;
  readonly signal: AbortSignal;
};

const lookEveryMs = 500;
/** So often in a row must all be well: a service that dies right after its start is not healthy. */
const looksInARow = 4;
const defaultWithinMs = 60_000;
const maxBytes = 1024 * 1024;
const askMs = 20_000;

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Whether a service is as it should be once it was started; a oneshot that ended well is. */
const isUp = ({ active, type, result }: UnitState): boolean =>
  active === 'active' || (active === 'inactive' && type === 'oneshot' && result === 'success');

/**
 * Waits until an app's services are up and stay up, its containers' own checks succeed, and its probe is answered as
 * the release says. Null when it is well; otherwise what was wrong last.
 */
export async function awaitHealth(
  deps: Deps,
  app: ReleaseApp,
  services: readonly string[],
): Promise<Sick | null> {
  if (services.length === 0) return null;
  const { clock, signal } = deps;
  const withinMs = app.health === undefined ? defaultWithinMs : durationMs(app.health.within);
  const until = clock.uptimeMs() + withinMs;
  let wellInARow = 0;
  let last: string | null = null;
  let changes = 0;
  for (;;) {
    const seen = await lookAtServices(deps, services);
    let sick: (Sick & { readonly final?: boolean }) | null = 'code' in seen ? seen : null;
    if (!('code' in seen)) {
      if (last !== seen.runs) {
        changes += last === null ? 0 : 1;
        last = seen.runs;
        wellInARow = 0;
      }
      if (changes > 2) {
        const detail = `${services.join(', ')} started ${changes} times`;
        return { code: 'service_flaps', detail, services };
      }
      sick = await lookInside(deps, app, services);
    }
    if (signal.aborted) return { code: 'aborted', detail: `while ${app.name} was looked at`, services };
    wellInARow = sick === null ? wellInARow + 1 : 0;
    if (wellInARow >= looksInARow) return null;
    if (sick !== null && (sick.final === true || clock.uptimeMs() >= until)) return sick;
    await clock.sleep(lookEveryMs, signal);
  }
}

/** What systemd says: the runs of the services, when all are up. */
async function lookAtServices(
  { systemd }: Deps,
  services: readonly string[],
): Promise<{ readonly runs: string } | (Sick & { readonly final: boolean })> {
  const shown = await systemd.show(services);
  if (!shown.ok) {
    const code = shown.reason === 'systemd_refused' ? 'service_failed' : shown.reason;
    return { code, detail: shown.detail ?? shown.reason, services, final: true };
  }
  const down = shown.value.find((unit) => !isUp(unit));
  if (down !== undefined) {
    const { service, active, result } = down;
    const detail = `${service} is ${active} (${result})`;
    const code = result === 'timeout' ? 'start_timeout' : 'service_failed';
    return { code, detail, services: [service], final: active === 'failed' };
  }
  // HAProxy goes on with its old configuration when the new one cannot be used, and systemd calls that a success.
  const kept = shown.value.find(({ status }) => /^reload failed/i.test(status));
  if (kept !== undefined) {
    const detail = `${kept.service} says: ${kept.status}`;
    return { code: 'reload_failed', detail, services: [kept.service], final: true };
  }
  return { runs: shown.value.map(({ mainPid, restarts }) => `${mainPid}/${restarts}`).join() };
}

/** What its containers and its probe say. */
async function lookInside(
  { machine, signal }: Deps,
  app: ReleaseApp,
  services: readonly string[],
): Promise<Sick | null> {
  const containers = await containersOf(machine, services, signal);
  const unwell = containers.find(({ status }) => /\((starting|unhealthy)\)/.test(status));
  if (unwell !== undefined) {
    return { code: 'container_unhealthy', detail: `${unwell.name}: ${unwell.status}`, services };
  }
  if (app.health === undefined) return null;
  const said = await probe(machine, app.health, containers, signal);
  return said === null ? null : { code: 'probe_failed', detail: said, services };
}

type Container = { readonly name: string; readonly status: string };

/** The containers that services of Quadlet run. */
async function containersOf(
  machine: Machine,
  services: readonly string[],
  signal: AbortSignal,
): Promise<Container[]> {
  // Of several filters by label, all would have to fit.
  const format = '{{.Names}}\t{{.Status}}\t{{index .Labels "PODMAN_SYSTEMD_UNIT"}}';
  const ran = await machine.run(['podman', 'ps', '--format', format], { timeoutMs: askMs, maxBytes, signal });
  if (!ran.ok || ran.value.code !== 0) return [];
  return text(ran.value.stdout)
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([, , unit]) => unit !== undefined && services.includes(unit))
    .map(([name, status]) => ({ name: name!, status: status! }));
}

/**
 * One request from the target itself: HTTP/1.0 by perl-base, which every Debian has. The program's words are fixed; what
 * is asked for comes as arguments.
 */
const probeProgram = `use IO::Socket::INET; my ($host, $port, $path, $timeout) = @ARGV;
my $s = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => $timeout) or exit 3;
exit 0 unless length $path;
$SIG{ALRM} = sub { exit 4 }; alarm $timeout;
print $s "GET $path HTTP/1.0\\r\\nHost: $host\\r\\nConnection: close\\r\\n\\r\\n"; $s->flush;
my $line = <$s>; defined $line or exit 5; print substr($line, 0, 100);`;
const probeS = 5;

/** Null when the probe is answered as it should be; otherwise what came. HTTPS is asked for a connection alone. */
async function probe(
  machine: Machine,
  { scheme, port, path, status }: NonNullable<ReleaseApp['health']>,
  containers: readonly Container[],
  signal: AbortSignal,
): Promise<string | null> {
  const hosts = [...(await addressesOf(machine, containers, signal)), '127.0.0.1'];
  let last = 'no answer';
  for (const host of hosts) {
    const asked = scheme === 'http' ? path || '/' : '';
    const ran = await machine.run(['perl', '-e', probeProgram, host, String(port), asked, String(probeS)], {
      timeoutMs: askMs,
      maxBytes,
      signal,
    });
    if (!ran.ok || ran.value.code !== 0) continue;
    if (scheme !== 'http') return null;
    const line = text(ran.value.stdout).trim();
    if (new RegExp(`^HTTP/1\\.[01] ${status}( |$)`).test(line)) return null;
    last = `${host}:${port}${path}: ${line}`;
  }
  return last;
}

async function addressesOf(
  machine: Machine,
  containers: readonly Container[],
  signal: AbortSignal,
): Promise<string[]> {
  const names = containers.map(({ name }) => name);
  if (names.length === 0) return [];
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}';
  const ran = await machine.run(['podman', 'inspect', '--format', format, '--', ...names], {
    timeoutMs: askMs,
    maxBytes,
    signal,
  });
  if (!ran.ok || ran.value.code !== 0) return [];
  return text(ran.value.stdout)
    .split(/\s+/)
    .filter((word) => /^\d+(\.\d+){3}$/.test(word));
}

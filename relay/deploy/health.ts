import { durationMs } from '../../schema/manifest/duration.ts';
import type { ReleaseApp } from '../../schema/wire/release.ts';
import type { Machine } from '../machine/machine.ts';
import type { Systemd, UnitState } from './systemd.ts';

export type HealthClock = {
  uptimeMs(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

export type HealthFault =
  /** A service failed, or did not come up within the app's time. */
  | 'service_failed'
  /** It came up and went down again, more than once. */
  | 'service_flaps'
  /** Podman's own health check of a container does not succeed. */
  | 'container_unhealthy'
  /** The app's health probe had no answer, or another one. */
  | 'probe_failed';

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
  {
    machine,
    systemd,
    clock,
    signal,
  }: { machine: Machine; systemd: Systemd; clock: HealthClock; signal: AbortSignal },
  app: ReleaseApp,
  services: readonly string[],
): Promise<{ readonly fault: HealthFault; readonly detail: string } | null> {
  if (services.length === 0) return null;
  const withinMs = app.health === undefined ? defaultWithinMs : durationMs(app.health.within);
  const until = clock.uptimeMs() + withinMs;
  let wellInARow = 0;
  let first: string | null = null;
  let changes = 0;
  for (;;) {
    const fault = await look();
    if (fault === null) {
      wellInARow += 1;
      if (wellInARow >= looksInARow) return null;
    } else {
      wellInARow = 0;
      const over = clock.uptimeMs() >= until || signal.aborted;
      if (over || (fault.fault === 'service_failed' && fault.final) || fault.fault === 'service_flaps')
        return fault;
    }
    await clock.sleep(lookEveryMs, signal);
  }

  async function look(): Promise<{ fault: HealthFault; detail: string; final?: boolean } | null> {
    const shown = await systemd.show(services);
    if (!shown.ok) return { fault: 'service_failed', detail: shown.detail ?? shown.reason };
    const down = shown.value.find((unit) => !isUp(unit));
    if (down !== undefined) {
      const detail = `${down.service} is ${down.active} (${down.result})`;
      return { fault: 'service_failed', detail, final: down.active === 'failed' };
    }
    const runs = shown.value.map(({ mainPid, restarts }) => `${mainPid}/${restarts}`).join();
    if (first !== runs) {
      changes += first === null ? 0 : 1;
      first = runs;
      wellInARow = 0;
      if (changes > 2)
        return { fault: 'service_flaps', detail: `${services.join(', ')} started ${changes} times` };
    }
    const sick = await unhealthyContainer(machine, services, signal);
    if (sick !== null) return { fault: 'container_unhealthy', detail: sick };
    if (app.health === undefined) return null;
    const said = await probe(machine, app.health, services, signal);
    return said === null ? null : { fault: 'probe_failed', detail: said };
  }
}

type Container = { readonly name: string; readonly status: string };

async function containersOf(
  machine: Machine,
  services: readonly string[],
  signal: AbortSignal,
): Promise<Container[]> {
  const filters = services.flatMap((service) => ['--filter', `label=PODMAN_SYSTEMD_UNIT=${service}`]);
  const ran = await machine.run(['podman', 'ps', '--format', '{{.Names}}\t{{.Status}}', ...filters], {
    timeoutMs: askMs,
    maxBytes,
    signal,
  });
  if (!ran.ok || ran.value.code !== 0) return [];
  return text(ran.value.stdout)
    .split('\n')
    .filter(Boolean)
    .map((line) => ({ name: line.split('\t')[0]!, status: line.split('\t')[1] ?? '' }));
}

/** A container whose own health check has not succeeded yet, in words. */
async function unhealthyContainer(
  machine: Machine,
  services: readonly string[],
  signal: AbortSignal,
): Promise<string | null> {
  const found = (await containersOf(machine, services, signal)).find(({ status }) =>
    /\((starting|unhealthy)\)/.test(status),
  );
  return found === undefined ? null : `${found.name}: ${found.status}`;
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
  services: readonly string[],
  signal: AbortSignal,
): Promise<string | null> {
  const hosts = [...(await addressesOf(machine, services, signal)), '127.0.0.1'];
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
  services: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const names = (await containersOf(machine, services, signal)).map(({ name }) => name);
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

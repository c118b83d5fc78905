import type { ReleaseApp } from '../../schema/wire/release.ts';
import type { Machine } from '../machine/machine.ts';

const maxBytes = 1024 * 1024;
const askMs = 20_000;
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A container that a service of Quadlet's runs. */
export type Container = { readonly id: string; readonly service: string; readonly status: string };

type Touched = { readonly app: ReleaseApp; readonly services: readonly string[] };

/** The containers of services; of apps without any, Podman is not asked. */
export async function containersOf(
  machine: Machine,
  apps: readonly Touched[],
  signal: AbortSignal,
): Promise<readonly Container[]> {
  const wanted = new Set(apps.flatMap(({ services }) => services));
  const made = apps.flatMap(({ app }) => app.units.flatMap(({ files }) => files));
  if (!made.some((name) => /\.(container|pod|kube)$/.test(name))) return [];
  // Of several filters by label, all would have to fit.
  const format = '{{.ID}}\t{{.Status}}\t{{index .Labels "PODMAN_SYSTEMD_UNIT"}}';
  const ran = await machine.run(['podman', 'ps', '--format', format], { timeoutMs: askMs, maxBytes, signal });
  if (!ran.ok || ran.value.code !== 0) return [];
  return text(ran.value.stdout)
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([, , service]) => service !== undefined && wanted.has(service))
    .map(([id, status, service]) => ({ id: id!, status: status!, service: service! }));
}

/** Their addresses in the networks of Podman. */
export async function addressesOf(
  machine: Machine,
  containers: readonly Container[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const ids = containers.map(({ id }) => id);
  if (ids.length === 0) return [];
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}';
  const ran = await machine.run(['podman', 'inspect', '--format', format, '--', ...ids], {
    timeoutMs: askMs,
    maxBytes,
    signal,
  });
  if (!ran.ok || ran.value.code !== 0) return [];
  return text(ran.value.stdout)
    .split(/\s+/)
    .filter((word) => /^\d+(\.\d+){3}$/.test(word));
}

/**
 * One request to each host in turn, from the target itself: HTTP/1.0 by perl-base, which every Debian has. It prints the
 * first line of each answer behind its host. The program's words are fixed; what is asked for comes as arguments.
 */
const probeProgram = `use IO::Socket::INET; my ($port, $path, $timeout, @hosts) = @ARGV;
for my $host (@hosts) {
  my $s = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => $timeout) or next;
  unless (length $path) { print "$host open\\n"; next }
  my $line = eval { local $SIG{ALRM} = sub { die }; alarm $timeout;
    print $s "GET $path HTTP/1.0\\r\\nHost: $host\\r\\nConnection: close\\r\\n\\r\\n"; $s->flush; my $l = <$s>; alarm 0; $l };
  $line = 'no answer' unless defined $line; $line =~ s/[\\r\\n]//g; print "$host ", substr($line, 0, 100), "\\n" }`;
const probeS = 4;

/** Null when a probe is answered as it should be; otherwise what came. HTTPS is asked for a connection alone. */
export async function probe(
  machine: Machine,
  { scheme, port, path, status }: NonNullable<ReleaseApp['health']>,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<string | null> {
  const asked = scheme === 'http' ? path || '/' : '';
  const hosts = [...addresses, '127.0.0.1'];
  const ran = await machine.run(['perl', '-e', probeProgram, String(port), asked, String(probeS), ...hosts], {
    timeoutMs: askMs + hosts.length * 2 * probeS * 1000,
    maxBytes,
    signal,
  });
  if (!ran.ok) return ran.detail ?? ran.reason;
  const answers = text(ran.value.stdout).trim();
  const wanted = scheme === 'http' ? new RegExp(`^\\S+ HTTP/1\\.[01] ${status}( |$)`, 'm') : /^\S+ open$/m;
  if (wanted.test(answers)) return null;
  return answers === ''
    ? `nothing answers at port ${port}`
    : `port ${port}${path}: ${answers.replaceAll('\n', '; ')}`;
}

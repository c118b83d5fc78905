import { ok, type Refusal, type Result, refuse } from '../../../schema/result.ts';
import type { Machine, MachineReason } from '../../machine/machine.ts';
import type { Artifact } from './archive-list.ts';

export type ArtifactReason =
  | MachineReason
  /** Its server does not give it. */
  | 'artifact_unreachable'
  /** What its server gives is something else than was said. */
  | 'artifact_wrong'
  /** It is what was said, and nothing that a release could bring. */
  | 'artifact_unfit'
  | 'file_changes';

/**
 * Where what comes from elsewhere lies until it is known to be what was meant: apart from all else that is kept, because
 * others than root write below it. Nothing in it outlives the work that it is for.
 */
export const fetchFolder = '/var/lib/writ-fetch';
/** Machines copy and compare files up to this size. */
export const maxFetchedBytes = 64 * 1024 * 1024;

const helper = '/usr/lib/apt/apt-helper';
/** The user of Debian's package manager, as whom it speaks to servers (apt.conf(5), APT::Sandbox::User). */
const fetcher = '_apt:root';
const incoming = `${fetchFolder}/incoming`;
const body = `${incoming}/body`;

const fetchMs = 15 * 60_000;
const shortMs = 60_000;
const maxBytes = 64 * 1024;

/** Removes what is left of earlier work, and makes the folder anew. */
export async function openFetchFolder(machine: Machine): Promise<Result<true, MachineReason>> {
  const closed = await closeFetchFolder(machine);
  if (!closed.ok) return closed;
  // Others have folders of their own in it, and see no names.
  return machine.change([{ do: 'folder', path: fetchFolder, mode: '0711', owner: 'root:root' }]);
}

export async function closeFetchFolder(machine: Machine): Promise<Result<true, MachineReason>> {
  const ran = await machine.run(['rm', '-rf', '--', fetchFolder], { timeoutMs: shortMs, maxBytes });
  if (!ran.ok) return ran;
  return ran.value.code === 0
    ? ok(true)
    : refuse('machine_error', `${fetchFolder} cannot be removed: ${said(ran.value.stderr)}`);
}

/**
 * Lets the machine fetch an artifact by itself, into a fetch folder that was just opened, and puts it at `path` once it is what its
 * digest says. Debian's own helper does it: it speaks https, obeys the machine's proxy, leaves https for nothing else and
 * compares the digest.
 */
export async function fetchArtifact(
  machine: Machine,
  { url, sha256 }: Artifact,
  { path, mode, signal }: { readonly path: string; readonly mode: string; readonly signal: AbortSignal },
): Promise<Result<true, ArtifactReason>> {
  const ready = await machine.change([{ do: 'folder', path: incoming, mode: '0700', owner: fetcher }]);
  if (!ready.ok) return ready;
  const ran = await machine.run(
    [
      ...(['prlimit', '--core=0', `--fsize=${maxFetchedBytes}`, '--', helper, '-qq'] as const),
      ...['-o', 'Acquire::Retries=1', '-o', 'Acquire::https::Timeout=30', '-o', 'APT::Sandbox::User=_apt'],
      ...['download-file', url, body, `SHA256:${sha256}`],
    ],
    { timeoutMs: fetchMs, maxBytes, signal },
  );
  if (!ran.ok) return ran.reason === 'timeout' ? refuse('artifact_unreachable', `${url}: too slow`) : ran;
  if (ran.value.code !== 0) return whyNot(machine, url, ran.value);
  // By whom it was fetched, it could still be written to: a copy cannot.
  const copied = await machine.change([{ do: 'copy', from: body, path, mode, owner: 'root:root' }]);
  if (!copied.ok) return copied;
  const there = await machine.digest([path]);
  if (!there.ok || there.value[0] === `sha256:${sha256}`) return there.ok ? ok(true) : there;
  const removed = await machine.remove(path);
  return removed.ok ? refuse('artifact_wrong', `${url} is not what was said`) : removed;
}

async function whyNot(
  machine: Machine,
  url: string,
  { code, stderr }: { readonly code: number; readonly stderr: Uint8Array },
): Promise<Refusal<ArtifactReason>> {
  const why = said(stderr);
  const missing = programMissing(code, why);
  if (missing !== null) return missing;
  if (/Hash Sum mismatch/.test(why)) return refuse('artifact_wrong', `${url}: ${why}`);
  const [partial] = await machine.stat([body]).then((stats) => (stats.ok ? stats.value : [null]));
  if ((partial?.size ?? 0) >= maxFetchedBytes)
    return refuse('artifact_unfit', `${url} has more than ${maxFetchedBytes / 1024 / 1024} MiB`);
  return /No space left on device/.test(why)
    ? refuse('no_space', why)
    : refuse('artifact_unreachable', `${url}: ${why}`);
}

/** Of programs that become another one: exit codes of env(1) where that is not there. */
export const programMissing = (code: number, why: string): Refusal<'program_missing'> | null =>
  code === 126 || code === 127 ? refuse('program_missing', why) : null;

/** What a program said, short enough to be told. */
export const said = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).trim().slice(-1000);

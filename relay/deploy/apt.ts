import { ok, type Result, refuse } from '../../schema/result.ts';
import type { Machine, MachineReason } from '../machine/machine.ts';

/** Why packages were not installed. */
export type AptReason =
  | 'apt_no_network'
  | 'apt_locked'
  | 'apt_package_unknown'
  | 'apt_would_remove'
  | 'apt_failed'
  | MachineReason;

const updateMs = 5 * 60_000;
const installMs = 15 * 60_000;
const maxBytes = 1024 * 1024;
/** A guest that has just booted updates its lists by itself. */
const lockMs = 2 * 60_000;
const lockEveryMs = 5_000;

const options = [
  '-qq',
  ...['-o', 'Acquire::http::Timeout=20', '-o', 'Acquire::https::Timeout=20', '-o', 'Acquire::Retries=1'],
  ...['-o', 'DPkg::Lock::Timeout=60', '-o', 'Dpkg::Use-Pty=0'],
] as const;
/** What somebody changed on the guest is kept, and nobody is asked. */
const keepsFiles = [
  '-o',
  'Dpkg::Options::=--force-confdef',
  '-o',
  'Dpkg::Options::=--force-confold',
] as const;
const env = { DEBIAN_FRONTEND: 'noninteractive', APT_LISTCHANGES_FRONTEND: 'none' };

/** What apt-get(8) and dpkg(1) print, in the order in which it is looked for. */
const causes: readonly (readonly [RegExp, AptReason])[] = [
  [/No space left on device|don't have enough free space/, 'no_space'],
  [/Read-only file system/, 'read_only'],
  [/Could not get lock|Unable to (acquire|lock)|is another process using it/, 'apt_locked'],
  [
    /Temporary failure resolving|Could not (resolve|connect)|onnection (timed out|refused|failed)|unreachable|Failed to fetch/,
    'apt_no_network',
  ],
  [/Packages need to be removed but remove is disabled/, 'apt_would_remove'],
  [/Unable to locate package|has no installation candidate/, 'apt_package_unknown'],
];

type Waits = {
  readonly clock: { uptimeMs(): number; sleep(ms: number, signal?: AbortSignal): Promise<void> };
  readonly signal: AbortSignal;
};

/**
 * Installs packages of the machine's own Debian and what they depend on, removes none, and asks nobody. A lock that
 * somebody else holds is waited for. What was interrupted before is ended first.
 */
export async function installPackages(
  machine: Machine,
  packages: readonly string[],
  waits: Waits,
): Promise<Result<true, AptReason>> {
  const updated = await apt(machine, ['apt-get', ...options, 'update'], updateMs, waits);
  // Some lists may come and others not: whether that is enough, the packages tell.
  if (!updated.ok && !isAptOwn(updated.reason)) return updated;
  const install = ['--no-install-recommends', '--no-remove', '-y', 'install', '--', ...packages];
  const words = ['apt-get', ...options, ...keepsFiles, ...install] as const;
  let installed = await apt(machine, words, installMs, waits);
  if (!installed.ok && /dpkg was interrupted/.test(installed.detail ?? '')) {
    const ended = await apt(machine, ['dpkg', '--configure', '-a', '--force-confold'], installMs, waits);
    if (!ended.ok) return ended;
    installed = await apt(machine, words, installMs, waits);
  }
  const knowsNone = !installed.ok && installed.reason === 'apt_package_unknown';
  return knowsNone && !updated.ok ? updated : installed;
}

const isAptOwn = (reason: AptReason): boolean => reason.startsWith('apt_') && reason !== 'apt_locked';

/** Runs one of the two, again while it is locked out. What it prints tells why it failed. */
async function apt(
  machine: Machine,
  argv: readonly [string, ...string[]],
  timeoutMs: number,
  { clock, signal }: Waits,
): Promise<Result<true, AptReason>> {
  const untilMs = clock.uptimeMs() + lockMs;
  for (;;) {
    const ran = await unlessAborted(machine.run(argv, { env, timeoutMs, maxBytes }), signal);
    if (!ran.ok) return ran;
    const { code, stdout, stderr } = ran.value;
    const printed = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join('\n');
    const [, cause] = causes.find(([pattern]) => pattern.test(printed)) ?? [];
    // Lists that could not be fetched are a warning.
    if (code === 0 && (argv.at(-1) !== 'update' || cause === undefined)) return ok(true);
    const reason = cause ?? 'apt_failed';
    if (reason !== 'apt_locked' || signal.aborted || clock.uptimeMs() >= untilMs)
      return refuse(reason, printed.trim().slice(-1000));
    await clock.sleep(lockEveryMs, signal);
  }
}

/** A package manager is never killed halfway: who gives up leaves it to its own end. */
async function unlessAborted<T>(
  run: Promise<T>,
  signal: AbortSignal,
): Promise<T | { readonly ok: false; readonly reason: 'aborted' }> {
  let stop = (): void => {};
  const aborted = new Promise<{ ok: false; reason: 'aborted' }>((resolve) => {
    stop = () => resolve({ ok: false, reason: 'aborted' });
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([run, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

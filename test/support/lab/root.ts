import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** What guests of the lab have installed, and with it the checkers that run in its root. */
const packages = [
  ...['systemd', 'systemd-sysv', 'dbus', 'dbus-user-session', 'libpam-systemd', 'udev', 'kmod'],
  ...['iproute2', 'iputils-ping', 'procps', 'nftables', 'ca-certificates', 'wget', 'curl', 'sudo'],
  ...['podman', 'crun', 'conmon', 'netavark', 'aardvark-dns', 'catatonit', 'busybox-static'],
  ...['nodejs', 'age', 'haproxy', 'unbound'],
] as const;
const suite = 'trixie';

/** Outside the clone, so that it is built once a machine. */
const cache = process.env.WRIT_LAB_CACHE ?? '/var/cache/writ-lab';

/** What the lab needs of the machine that it runs on; each is named where it is missing. */
const tools = ['debootstrap', 'unshare', 'nsenter', 'ip', 'nft'] as const;

/** Why there can be no lab here; null where there can. */
export function whyNoLab(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'root on Linux, for the lab of systemd guests';
  const lacking = tools.filter((tool) => spawnSync('which', [tool]).status !== 0);
  if (lacking.length > 0) return `${lacking.join(', ')}, for the lab of systemd guests`;
  if (!existsSync('/sys/fs/cgroup/unified') && !existsSync('/sys/fs/cgroup/cgroup.controllers')) {
    return 'a cgroup2 hierarchy, for the lab of systemd guests';
  }
  const mount = ['--mount', '--pid', '--fork', '--net', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'];
  if (spawnSync('unshare', mount).status !== 0) return 'the right to mount, for the lab of systemd guests';
  return null;
}

/** The cgroup2 hierarchy of this machine. */
export const cgroupRoot = (): string =>
  existsSync('/sys/fs/cgroup/unified') ? '/sys/fs/cgroup/unified' : '/sys/fs/cgroup';

const buildWaitMs = 20 * 60_000;

/**
 * A root file system of Debian 13, to be put below overlays and never written to. Built once, which takes a minute
 * or two.
 *
 * @param tell is told what is being done when that takes long
 */
export const labRoot = (tell: (line: string) => void = () => {}): Promise<string> =>
  madeOnce(join(keyOf([]), 'root'), (root) => build(root, tell));

/**
 * What is in the cache under this name, made where it is not there yet; two that make the same at the same time wait for
 * each other. `make` puts it at the path that it is given.
 */
export async function madeOnce(name: string, make: (path: string) => void): Promise<string> {
  const path = join(cache, name);
  const lock = `${path}.lock`;
  mkdirSync(join(path, '..'), { recursive: true });
  const until = Date.now() + buildWaitMs;
  while (!existsSync(path)) {
    try {
      mkdirSync(lock);
    } catch {
      if (Date.now() > until) throw new Error(`somebody else makes ${path} for too long: remove ${lock}`);
      await pause(500);
      continue;
    }
    try {
      if (existsSync(path)) continue;
      const part = `${path}.part`;
      rmSync(part, { recursive: true, force: true });
      make(part);
      renameSync(part, path);
    } finally {
      rmSync(lock, { recursive: true });
    }
  }
  return path;
}

/** The key of what is made of these words, of the packages of the lab among them. */
export const keyOf = (words: readonly string[]): string =>
  createHash('sha256')
    .update([suite, ...packages, ...words].join(' '))
    .digest('hex')
    .slice(0, 16);

function build(part: string, tell: (line: string) => void): void {
  tell(`Building the root of Debian ${suite} for the lab, once on this machine …`);
  execFileSync('debootstrap', ['--variant=minbase', `--include=${packages.join(',')}`, suite, part], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  // Without cgroup controllers and with the machine's own limits, containers get what there is.
  mkdirSync(join(part, 'etc/containers'), { recursive: true });
  writeFileSync(
    join(part, 'etc/containers/containers.conf'),
    '[containers]\npids_limit=0\ndefault_ulimits=["nofile=20000:20000","nproc=90000:90000"]\n',
  );
  // Units that a guest without hardware and time of its own would only fail.
  for (const unit of [
    'systemd-udevd.service',
    'systemd-timesyncd.service',
    'haproxy.service',
    'unbound.service',
  ]) {
    execFileSync('ln', ['-sf', '/dev/null', join(part, 'etc/systemd/system', unit)]);
  }
}

/**
 * What no release may touch, whatever trust grants: what judges releases, and what lets somebody become root or in.
 * A release that could write these would order more than it was allowed to.
 */
export const neverTouched: readonly string[] = [
  // Writ itself: state, keys, programs, units.
  '/etc/writ*/**',
  '/var/lib/writ*/**',
  '/usr/lib/writ*/**',
  '/run/writ*/**',
  '/usr/lib/systemd/system/writ*',
  '/usr/lib/systemd/system/writ*/**',
  '/etc/systemd/system/writ*',
  '/etc/systemd/system/writ*/**',
  '/etc/systemd/system/*.wants/writ*',
  '/etc/systemd/system/*.requires/writ*',
  '/etc/systemd/system/*.d/*writ*',
  '/usr/local/lib/systemd/system/writ*',
  '/usr/local/lib/systemd/system/writ*/**',
  // Podman's generator makes services of these, which go before those of a package.
  '/etc/containers/systemd/writ*',
  '/etc/containers/systemd/writ*/**',
  '/etc/containers/systemd/**/writ*',
  '/etc/containers/systemd/**/writ*/**',
  '/usr/share/containers/systemd/**',
  '/run/containers/systemd/**',
  // Drop-ins for every service or socket, Writ's among them, what makes units, goes before them or is given to all.
  '/etc/systemd/system/service.d/**',
  '/etc/systemd/system/socket.d/**',
  '/usr/lib/systemd/system/service.d/**',
  '/usr/lib/systemd/system/socket.d/**',
  '/usr/local/lib/systemd/system/service.d/**',
  '/usr/local/lib/systemd/system/socket.d/**',
  '/etc/systemd/system.attached/**',
  '/etc/systemd/system.control/**',
  '/etc/systemd/system.conf',
  '/etc/systemd/system.conf.d/**',
  '/etc/systemd/system-environment-generators/**',
  '/usr/lib/systemd/system-environment-generators/**',
  '/usr/local/lib/systemd/system-environment-generators/**',
  '/etc/systemd/system-generators/**',
  '/usr/lib/systemd/system-generators/**',
  '/usr/local/lib/systemd/system-generators/**',
  '/run/systemd/**',
  '/usr/bin/writ*',
  '/usr/local/bin/writ*',
  // Who may become root, or log in.
  '/etc/sudoers',
  '/etc/sudoers.d/**',
  '/etc/doas.conf',
  '/etc/pam.d/**',
  '/etc/pam.conf',
  '/etc/security/**',
  '/usr/lib/security/**',
  '/usr/lib/*/security/**',
  '/etc/nsswitch.conf',
  '/etc/passwd*',
  '/etc/group*',
  '/etc/shadow*',
  '/etc/gshadow*',
  '/etc/subuid*',
  '/etc/subgid*',
  '/etc/polkit-1/**',
  '/usr/share/polkit-1/**',
  '/etc/ssh/**',
  '/root/**',
  '/home/*/.ssh/**',
  // What is installed, and what is run as root by itself.
  '/etc/apt/**',
  '/usr/lib/apt/**',
  '/var/lib/apt/**',
  '/var/lib/dpkg/**',
  '/etc/dpkg/**',
  '/etc/ld.so.preload',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d/**',
  '/etc/cron*/**',
  '/etc/crontab',
  '/var/spool/cron/**',
  '/etc/profile',
  '/etc/profile.d/**',
  '/etc/bash.bashrc',
  '/etc/environment',
  '/boot/**',
  '/dev/**',
  '/proc/**',
  '/sys/**',
  // Proxmox VE.
  '/etc/pve/**',
  '/var/lib/pve*/**',
  '/usr/share/perl5/**',
];

function regexOf(pattern: string): RegExp {
  const parts = pattern
    .slice(1)
    .split('/')
    .map((part) => (part === '**' ? '.+' : part.replace(/[.+]/g, '\\$&').replaceAll('*', '[^/]*')));
  return new RegExp(`^/${parts.join('/')}$`);
}

const never = neverTouched.map(regexOf);

/** Services by which somebody gets in at all, or which run the guests: sshd's and those of Proxmox VE. */
const system =
  '(?:sshd?|pve(?:daemon|proxy|statd|scheduler|netcommit)|pve-(?:cluster|guests|firewall|ha-crm|ha-lrm|storage|lxc-syscalld|container)|qmeventd|spiceproxy)';
const systemName = new RegExp(`^${system}(?:@[^.]*)?(?:\\.(?:service|socket))?$`);
/** Files that make such a unit, go before the system's own, or add to it. */
const systemFile = new RegExp(
  `^/(?:etc/systemd/system|usr/(?:local/)?lib/systemd/system|etc/containers/systemd(?:/.+)?)/${system}(?:@[^./]*)?\\.(?:service|socket|container|kube)(?:\\.d/|$)`,
);

/** Whether it is a service that no release may stop, or put another in the place of, though it is not Writ's. */
export const isSystemUnit = (name: string): boolean => systemName.test(name);

/** Links to the same below /usr, on every Debian. */
const linked = /^(?:bin|sbin|lib|lib32|lib64|libx32)$/;

/** The same path without what is a link on every Debian: Podman and systemd follow these, and no pattern is written so. */
export function withoutLinks(path: string): string {
  const [, first, second] = path.split('/') as [string, string, string?];
  if (linked.test(first)) return `/usr${path}`;
  return first === 'var' && second === 'run' ? path.slice('/var'.length) : path;
}

const isNever = (path: string): boolean => systemFile.test(path) || never.some((regex) => regex.test(path));

/** Whether a path, in its one canonical form, is covered by a pattern. */
export const matchesPath = (pattern: string, path: string): boolean => regexOf(pattern).test(path);

/** No files of these are put on a disk; that a container is given of them is a device or a view. */
const viewed: ReadonlySet<string | undefined> = new Set(['dev', 'proc', 'sys']);

/**
 * Whether whoever may write a folder or file, and what is below it, could write what no release may touch: it is such,
 * or such things are in it. For what units open to others than root, which writes anywhere.
 */
export function reachesNever(named: string): boolean {
  const path = withoutLinks(named);
  const parts = path.split('/').filter(Boolean);
  if (viewed.has(parts[0])) return false;
  if (isNever(path)) return true;
  const begins = (pattern: readonly RegExp[]): boolean =>
    parts.every((part, index) => pattern[index]!.test(`/${part}`));
  return neverParts.some((pattern) => pattern.length > parts.length && begins(pattern));
}

/** Each part of each pattern; what is below `**` fits anyway. */
const neverParts = neverTouched.map((pattern) =>
  pattern
    .slice(1)
    .split('/')
    .map((part) => regexOf(`/${part}`)),
);

export type PathVerdict = 'allowed' | 'path_not_granted' | 'path_never';

/** Whether a release under a grant with these patterns may touch a path. No patterns: nothing. */
export function judgePath(patterns: readonly string[], path: string): PathVerdict {
  if (isNever(withoutLinks(path))) return 'path_never';
  return patterns.some((pattern) => matchesPath(pattern, path)) ? 'allowed' : 'path_not_granted';
}

import { execFileSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';

/** Installs Debian's packages in a root, with what their scripts need of a running system. None of them is started. */
export function installPackages(root: string, packages: readonly string[]): void {
  copyFileSync('/etc/resolv.conf', join(root, 'etc/resolv.conf'));
  const script = [
    'mount -t proc proc "$0/proc"; mount -t sysfs sysfs "$0/sys"; mount --rbind /dev "$0/dev"; mount -t tmpfs tmpfs "$0/run"',
    'exec chroot "$0" env DEBIAN_FRONTEND=noninteractive sh -ec \'printf "exit 101" > /usr/sbin/policy-rc.d',
    'chmod 755 /usr/sbin/policy-rc.d; apt-get -qq update; apt-get -qq install --yes --no-install-recommends "$@"',
    'apt-get clean; rm /usr/sbin/policy-rc.d\' sh "$@"',
  ].join('\n');
  const argv = ['--mount', '--propagation', 'private', 'sh', '-ec', script, root, ...packages];
  execFileSync('unshare', argv, { stdio: ['ignore', 'ignore', 'inherit'] });
}

import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages } from './install-packages.ts';
import { keyOf, labRoot, madeOnce } from './root.ts';

/** What a virtual machine has beyond the lab's guests; and QEMU itself, which runs from the same root. */
const packages = [
  'linux-image-cloud-amd64',
  'initramfs-tools',
  'qemu-guest-agent',
  'qemu-system-x86',
] as const;
/** Sparse: what nobody writes takes no space. */
const diskBytes = 3 * 1024 * 1024 * 1024;
/** All that the first steps of the kernel need here: unpacking others takes longer than booting, on an emulated processor. */
const modules = ['virtio_pci', 'virtio_blk', 'ext4'];
/** Units that only take time where no clock is set and no package is installed. */
const masked = [
  ...['systemd-timesyncd.service', 'apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer'],
  ...['e2scrub_all.timer', 'e2scrub_reap.service', 'fstrim.timer', 'logrotate.timer', 'man-db.timer'],
  ...['systemd-networkd-wait-online.service', 'netavark-dhcp-proxy.socket', 'podman-auto-update.timer'],
];

export type VmRoot = {
  /** A Debian 13 with QEMU in it. */
  readonly root: string;
  /** The same as an ext4 file system; never written to. */
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
};

/** Why there can be no virtual machine here; null where there can. */
export const whyNoVm = (): string | null => {
  if (process.arch !== 'x64') return 'an x64 machine, for the virtual machine of the lab';
  return spawnSync('mke2fs', ['-V']).status === 0 ? null : 'mke2fs, for the virtual machine of the lab';
};

/** Built once, which takes a minute or two beyond the lab's own root. */
export async function vmRoot(tell: (line: string) => void = () => {}): Promise<VmRoot> {
  const base = await labRoot(tell);
  const key = `vm-${keyOf([...packages, ...modules, ...masked])}`;
  // Not `root`: the programs of those are what tests check configuration with.
  const root = await madeOnce(join(key, 'system'), (part) => {
    tell('Building the virtual machine of the lab, once on this machine …');
    execFileSync('cp', ['-a', '--reflink=auto', base, part]);
    install(part);
  });
  const disk = await madeOnce(join(key, 'disk'), (part) => {
    execFileSync('truncate', ['-s', String(diskBytes), part]);
    const features = 'lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0';
    execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-E', features, '-d', root, part]);
  });
  const boot = join(key, 'boot');
  const folder = await madeOnce(boot, (part) => {
    mkdirSync(part);
    for (const [name, pattern] of [
      ['kernel', /^vmlinuz-/],
      ['initrd', /^initrd\.img-/],
    ] as const) {
      const found = readdirSync(join(root, 'boot')).find((file) => pattern.test(file));
      if (found === undefined) throw new Error(`the root has no ${name}`);
      copyFileSync(join(root, 'boot', found), join(part, name));
    }
  });
  return { root, disk, kernel: join(folder, 'kernel'), initrd: join(folder, 'initrd') };
}

/** Installs packages in a root, with what their scripts need of a running system. */
function install(root: string): void {
  const units = join(root, 'etc/systemd/system');
  rmSync(join(units, 'systemd-udevd.service'), { force: true });
  for (const [folder, file, text] of [
    ['etc/initramfs-tools/conf.d', 'lab', 'MODULES=list\nCOMPRESS=gzip\nFSTYPE=ext4\n'],
    ['usr/share/initramfs-tools/modules.d', 'lab', `${modules.join('\n')}\n`],
  ] as const) {
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, file), text);
  }
  installPackages(root, packages);
  for (const unit of masked) {
    if (!existsSync(join(units, unit))) execFileSync('ln', ['-s', '/dev/null', join(units, unit)]);
  }
  // Nothing has to be brought up to date at the first boot.
  const stamps = ['etc/.updated', 'var/.updated'].map((file) => join(root, file));
  execFileSync('touch', ['-r', join(root, 'usr'), ...stamps]);
}

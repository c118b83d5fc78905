import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPackages } from './install-packages.ts';
import { keyOf, labRoot, madeOnce } from './root.ts';

/** Programs that the example's apps are, as Debian has them, and services of a guest's own that it names. */
const packages = [
  ...['chrony', 'systemd-journal-remote', 'dns-root-data'],
  // Makes hashes of secrets ten times as fast as Perl.
  'python3-minimal',
  ...[
    'victoria-metrics',
    'prometheus-alertmanager',
    'prometheus-node-exporter',
    'postgresql-17',
    'nginx-light',
  ],
] as const;
/** What they would start in a guest by themselves: there they are for images alone. */
const masked = [
  ...['victoria-metrics.service', 'prometheus-alertmanager.service', 'prometheus-node-exporter.service'],
  ...['postgresql.service', 'nginx.service', 'chrony.service', 'systemd-journal-upload.service'],
];

/** The key of what is made with these packages. */
export const programKey = (words: readonly string[]): string => keyOf([...packages, ...masked, ...words]);

/**
 * The lab's root with the programs in it, as folders that lie upon each other: `lowerdir` of an overlay. Built once, which
 * takes a minute beyond the lab's own root.
 */
export async function programRoot(tell: (line: string) => void = () => {}): Promise<string> {
  const base = await labRoot(tell);
  const upper = await madeOnce(join(programKey([]), 'programs'), (part) => {
    tell('Installing the programs of the example for the lab, once on this machine …');
    const work = `${part}.work`;
    for (const folder of [part, work]) mkdirSync(folder, { recursive: true });
    withOverlay([`lowerdir=${base}`, `upperdir=${part}`, `workdir=${work}`], (root) => {
      installPackages(root, packages);
      const units = join(root, 'etc/systemd/system');
      execFileSync('sh', ['-ec', 'for unit; do ln -sf /dev/null "$0/$unit"; done', units, ...masked]);
      // Guests share this machine's clock: nobody sets it.
      execFileSync('sh', ['-ec', 'echo DAEMON_OPTS=-x > "$0/etc/default/chrony"', root]);
    });
    execFileSync('rm', ['-rf', work]);
  });
  return `${upper}:${base}`;
}

/** Works in an overlay, of which nothing stays but what its upper folder has. */
export function withOverlay(options: readonly string[], work: (root: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), 'writ-overlay-'));
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options.join(','), root]);
  try {
    work(root);
  } finally {
    execFileSync('umount', [root]);
    rmdirSync(root);
  }
}

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  commonFiles,
  copyScript,
  importScript,
  nginx,
  nginxProgram,
  postgresFolder,
} from './image-script.ts';
import { programKey, programRoot, withOverlay } from './program-root.ts';
import { madeOnce } from './root.ts';

/** An image that is made of Debian's files: programs with the libraries that they need, and what is written beside them. */
type Image = {
  /** Images that this one stands for, without their tags. */
  readonly of: readonly string[];
  /** Paths in Debian's root; of programs, their libraries come along. */
  readonly copied: readonly string[];
  readonly written?: Readonly<Record<string, string>>;
  /** Folders, as `MODE OWNER`. */
  readonly folders?: Readonly<Record<string, string>>;
  readonly config: readonly string[];
};

/** What the image of Docker's library does at its start: makes a cluster in an empty folder, and gives up root. */
const postgresEntry = `#!/bin/sh
set -eu
if [ "$1" != postgres ]; then exec "$@"; fi
as() { /usr/bin/setpriv --reuid=70 --regid=70 --clear-groups -- "$@"; }
mkdir -p "$PGDATA" /run/postgresql; chown 70:70 "$PGDATA" /run/postgresql; chmod 700 "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  tr -d '\\n' < "$POSTGRES_PASSWORD_FILE" > /tmp/password; chown 70 /tmp/password
  as initdb --username=postgres --pwfile=/tmp/password --auth-host=scram-sha-256 --locale=C --encoding=UTF8 --no-sync "$PGDATA"
  rm /tmp/password
fi
exec /usr/bin/setpriv --reuid=70 --regid=70 --clear-groups -- "$@"
`;

/** By the name that each has in guests, behind `localhost/`. */
export const images: Readonly<Record<string, Image>> = {
  'victoria-metrics': {
    of: ['docker.io/victoriametrics/victoria-metrics'],
    copied: ['/usr/bin/victoria-metrics'],
    config: ['ENTRYPOINT ["/usr/bin/victoria-metrics"]'],
  },
  vmalert: {
    of: ['docker.io/victoriametrics/vmalert'],
    copied: ['/usr/bin/vmalert'],
    config: ['ENTRYPOINT ["/usr/bin/vmalert"]'],
  },
  alertmanager: {
    of: ['quay.io/prometheus/alertmanager'],
    copied: [
      '/usr/bin/prometheus-alertmanager',
      '/usr/share/prometheus/alertmanager/default.tmpl',
      '/usr/share/prometheus/alertmanager/email.tmpl',
    ],
    folders: { '/alertmanager': '755 65534' },
    config: ['ENTRYPOINT ["/usr/bin/prometheus-alertmanager"]', 'USER nobody', 'WORKDIR /alertmanager'],
  },
  'node-exporter': {
    of: ['quay.io/prometheus/node-exporter'],
    copied: ['/usr/bin/prometheus-node-exporter'],
    config: ['ENTRYPOINT ["/usr/bin/prometheus-node-exporter"]', 'USER nobody'],
  },
  postgres: {
    of: ['docker.io/library/postgres'],
    copied: [
      postgresFolder,
      '/usr/share/postgresql/17',
      '/usr/share/zoneinfo/Etc',
      '/usr/share/zoneinfo/UTC',
      '/usr/bin/setpriv',
    ],
    written: { '/entry': postgresEntry },
    config: ['ENTRYPOINT ["/entry"]', 'CMD ["postgres"]', 'ENV PGDATA=/var/lib/postgresql/data'],
  },
  nginx: {
    of: ['docker.io/nginxinc/nginx-unprivileged'],
    copied: [nginxProgram],
    written: {
      '/etc/nginx/nginx.conf': nginx('  default_type text/html;\n  include /etc/nginx/conf.d/*.conf;\n'),
    },
    config: [`ENTRYPOINT ["${nginxProgram}", "-g", "daemon off;"]`, 'USER 101'],
  },
};

/**
 * A store of Podman's with all of the images, to be copied for a guest. Made once.
 *
 * @returns the folder that is a guest's /var/lib/containers
 */
export async function programImages(tell: (line: string) => void = () => {}): Promise<string> {
  const lower = await programRoot(tell);
  const key = programKey([JSON.stringify([images, commonFiles]), copyScript]);
  return madeOnce(join(key, 'containers'), (part) => {
    tell('Making the images of the example for the lab, once on this machine …');
    const [upper, work] = [`${part}.upper`, `${part}.work`];
    for (const folder of [part, upper, work]) {
      execFileSync('rm', ['-rf', folder]);
      mkdirSync(folder, { recursive: true });
    }
    withOverlay([`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`], (root) => {
      for (const [name, image] of Object.entries(images)) makeImage(root, part, name, image);
    });
    execFileSync('rm', ['-rf', upper, work]);
  });
}

function makeImage(root: string, store: string, name: string, image: Image): void {
  const folder = join(root, 'opt', name);
  inRoot(root, store, copyScript, [`/opt/${name}`, ...image.copied]);
  const written = { ...commonFiles, ...image.written };
  for (const [file, text] of Object.entries(written)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
    chmodSync(join(folder, file), 0o755);
  }
  for (const [path, listing] of Object.entries(image.folders ?? {})) {
    const [mode = '', owner = ''] = listing.split(' ');
    execFileSync('sh', [
      '-ec',
      'mkdir -p "$0"; chmod "$1" "$0"; chown "$2" "$0"',
      join(folder, path),
      mode,
      owner,
    ]);
  }
  inRoot(root, store, importScript(name, image.config), [`/opt/${name}`]);
}

/** Runs a script in a root, where `store` is what Podman keeps. */
function inRoot(root: string, store: string, script: string, words: readonly string[]): void {
  const outer = [
    'mount -t proc proc "$0/proc"; mount -t sysfs sysfs "$0/sys"; mount --rbind /dev "$0/dev"; for folder in run tmp; do mount -t tmpfs tmpfs "$0/$folder"; done',
    'mkdir -p "$0/var/lib/containers"; mount --bind "$1" "$0/var/lib/containers"; script=$2; root=$0; shift 2',
    'exec chroot "$root" sh -ec "$script" sh "$@"',
  ].join('\n');
  const argv = ['--mount', '--propagation', 'private', 'sh', '-ec', outer, root, store, script, ...words];
  execFileSync('unshare', argv, { stdio: ['ignore', 'ignore', 'inherit'] });
}

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { programKey, programRoot, withOverlay } from './program-root.ts';
import { madeOnce } from './root.ts';

/** An image that is made of Debian's files: programs with the libraries that they need, and what is written beside them. */
type Image = {
  /** Images that this one stands for, without their tags; null: for all others. */
  readonly of: readonly string[] | null;
  /** Paths in Debian's root; of programs, their libraries come along. */
  readonly copied: readonly string[];
  readonly written?: Readonly<Record<string, string>>;
  /** Folders, as `MODE OWNER`. */
  readonly folders?: Readonly<Record<string, string>>;
  readonly config: readonly string[];
};

const postgres = '/usr/lib/postgresql/17';

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

/** As the image of nginx without root has it. */
const nginx = (http: string): string => `pid /tmp/nginx.pid;
error_log stderr warn;
worker_processes 1;
events {}
http {
  access_log off;
${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path /tmp/${name};\n`).join('')}${http}}
`;

/** Ports at which apps without a program in Debian are asked: each of their stand-ins answers at all of them. */
const standInPorts = [80, 443, 3000, 8080, 8082, 8443, 9090, 9091, 9428, 17170];

const standIn = (ports: readonly number[]): string =>
  nginx(`  default_type text/plain;
  server {
${ports.map((port) => `    listen ${port};\n`).join('')}    location = /metrics { return 200 "stand_in 1\\n"; }
    location / { return 200 "stand-in\\n"; }
  }
`);

const nginxProgram = '/usr/sbin/nginx';
const path = `PATH=${postgres}/bin:/usr/sbin:/usr/bin:/bin`;

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
    copied: ['/usr/bin/prometheus-alertmanager', '/usr/share/prometheus/alertmanager/default.tmpl'],
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
      postgres,
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
  'stand-in': {
    of: null,
    copied: [nginxProgram],
    written: {
      '/root.conf': standIn(standInPorts),
      // Who is not root has no low ports.
      '/user.conf': standIn(standInPorts.filter((port) => port >= 1024)),
      '/stand-in':
        '#!/bin/sh\n[ "$(id -u)" = 0 ] && who=root || who=user\nexec /usr/sbin/nginx -c "/$who.conf" -g "daemon off;"\n',
      // What LLDAP's units call by name.
      '/app/lldap':
        '#!/bin/sh\n[ "$1" = healthcheck ] && exec wget -qO /dev/null http://127.0.0.1:17170/health\nexec /stand-in\n',
      '/app/bootstrap.sh': '#!/bin/sh\nexec wget -qO /dev/null "$LLDAP_URL"\n',
    },
    config: ['ENTRYPOINT ["/stand-in"]'],
  },
};

const busybox = [
  'sh',
  'cat',
  'tr',
  'mkdir',
  'chown',
  'chmod',
  'rm',
  'wget',
  'test',
  'echo',
  'sleep',
  'env',
  'id',
];
const users = [
  'root:x:0:0::/:/bin/sh',
  'postgres:x:70:70::/:/bin/sh',
  'nginx:x:101:101::/:/bin/sh',
  'nobody:x:65534:65534::/:/bin/sh',
];

/**
 * Puts files and all that the loader of those that are programs asks for into a folder: run in Debian's root. Postgres
 * does without its compiler, which is larger than all the rest.
 */
const copyScript = `
target=$1; shift
mkdir -p "$target/bin" "$target/tmp" "$target/etc" "$target/run" "$target/var/log/nginx" "$target/var/lib/nginx"
chmod 1777 "$target/tmp"; ln -s ../run "$target/var/run"
for path; do
  [ -e "$path" ] || { echo "Debian has no $path" >&2; exit 1; }
  find "$path" -type f -o -type l
done | grep -Ev 'bitcode|llvmjit' > /tmp/files
grep -E '/s?bin/|\\.so$' /tmp/files | while read -r file; do ldd "$file" 2>/dev/null || true; done |
  sed -nE 's/.*(=> |^\\s)(\\/[^ ]+) \\(.*/\\2/p' | sort -u > /tmp/libraries
sed 's|^/||' /tmp/files /tmp/libraries | tar -C / -ch --hard-dereference -T - | tar -C "$target" -x
`;

/**
 * A store of Podman's with all of the images, to be copied for a guest. Made once.
 *
 * @returns the folder that is a guest's /var/lib/containers
 */
export async function programImages(tell: (line: string) => void = () => {}): Promise<string> {
  const lower = await programRoot(tell);
  const key = programKey([JSON.stringify(images), copyScript, ...busybox, ...users]);
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
  inRoot(root, store, `sh -ec '${copyScript.replaceAll("'", `'\\''`)}' sh "$@"`, [
    `/opt/${name}`,
    '/bin/busybox',
    ...image.copied,
  ]);
  const written = {
    '/etc/passwd': `${users.join('\n')}\n`,
    '/etc/group': 'root:x:0:\nnogroup:x:65534:\n',
    '/etc/nsswitch.conf': 'hosts: files dns\n',
    ...image.written,
  };
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
  const links = busybox.map((word) => `ln -sf busybox /opt/${name}/bin/${word}`).join('; ');
  const changes = [...image.config, `ENV ${path}`].map((change) => `--change='${change}'`).join(' ');
  const script = `${links}; tar -C /opt/${name} -c . | PODMAN_IGNORE_CGROUPSV1_WARNING=1 podman import --quiet ${changes} - localhost/${name}:1`;
  inRoot(root, store, script, []);
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

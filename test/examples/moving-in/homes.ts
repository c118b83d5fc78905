import { join } from 'node:path';
import type { Machine } from '../../support/machine-copy.ts';

/** A machine of a home that somebody moves in, the words of `writ adopt` for it, and what it leaves out. */
export type MovedMachine = Machine & {
  readonly name: string;
  readonly words: readonly string[];
  /** `code path` of each file that stays what it is: on the machine, and in nobody's repo. */
  readonly left: readonly string[];
  readonly apps: number;
  readonly files: number;
};

const folderOf = (home: string, name: string): string => join(import.meta.dirname, home, name);
const guest = (host: string, vmid: number, ...more: string[]): string[] => [
  '--host',
  host,
  '--vmid',
  String(vmid),
  ...more,
];

/** Forty services by hand, over years: two guests, and a Debian host whose services are the distribution's. */
export const byHand: readonly MovedMachine[] = [
  {
    name: 'secsvcs',
    folder: folderOf('by-hand', 'secsvcs'),
    // guacamole has its password in its unit.
    words: guest('pve1', 101, '--exclude', 'guacamole.container'),
    attributes: {
      'etc/opt/authelia/': { mode: 0o750 },
      'etc/opt/authelia/configuration.yml': { mode: 0o640 },
      'etc/opt/authelia/users.md': { mode: 0o644 },
      'etc/opt/gatus/gatus.env': { mode: 0o600 },
      'etc/opt/grafana/': { uid: 472, gid: 472 },
      'etc/opt/grafana/grafana.ini': { mode: 0o640, uid: 472, gid: 472 },
      'etc/opt/traefik/certs/lan.key': { mode: 0o600 },
      'usr/local/bin/pgdump.sh': { mode: 0o755 },
      'usr/local/sbin/push-certs.sh': { mode: 0o755 },
    },
    links: {
      'etc/systemd/system/multi-user.target.wants/node-exporter.service': '../node-exporter.service',
      'etc/systemd/system/systemd-networkd-wait-online.service': '/dev/null',
    },
    folders: ['etc/opt/postgres/tls'],
    left: [
      'link /etc/systemd/system/multi-user.target.wants/node-exporter.service',
      'link /etc/systemd/system/systemd-networkd-wait-online.service',
      'refused /etc/cron.d/certs',
      'secret /etc/opt/gatus/gatus.env',
      'secret /etc/opt/traefik/certs/lan.key',
    ],
    apps: 22,
    files: 59,
  },
  {
    name: 'websvcs',
    folder: folderOf('by-hand', 'websvcs'),
    words: guest('pve2', 200),
    attributes: {
      'etc/opt/mosquitto/': { uid: 1883, gid: 1883 },
      'etc/opt/mosquitto/passwd': { mode: 0o600, uid: 1883, gid: 1883 },
      'etc/opt/mosquitto/tls/server.key': { mode: 0o600, uid: 1883, gid: 1883 },
      'etc/restic/pass': { mode: 0o600 },
    },
    links: {},
    folders: [],
    left: [
      'secret /etc/opt/miniflux/miniflux.env',
      'secret /etc/opt/mosquitto/tls/server.key',
      'secret /etc/opt/paperless/secret.env',
      'secret /etc/restic/pass',
    ],
    apps: 20,
    files: 45,
  },
  {
    name: 'cloud',
    folder: folderOf('by-hand', 'cloud'),
    words: [],
    attributes: { 'etc/restic/env': { mode: 0o600 } },
    links: {},
    folders: [],
    left: ['secret /etc/restic/env'],
    apps: 7,
    files: 17,
  },
];

/** A guest whose files Ansible made from templates, with secrets in a file of SOPS. */
export const byAnsible: MovedMachine = {
  name: 'websvcs',
  folder: folderOf('by-ansible', 'machine'),
  words: guest('pve1', 131, '--address', '192.168.20.31', '--domain', 'example.net'),
  attributes: {
    'etc/opt/miniflux/miniflux.env': { mode: 0o600 },
    'etc/restic/pass': { mode: 0o600 },
  },
  links: {},
  folders: [],
  left: [
    'secret /etc/opt/gatus/config.yaml',
    'secret /etc/opt/grafana/grafana.ini',
    'secret /etc/opt/miniflux/miniflux.env',
    'secret /etc/restic/pass',
  ],
  apps: 11,
  files: 22,
};

/** A guest whose Quadlets podlet made of docker-compose: pods, Kubernetes files, labels, passwords in clear. */
export const byPodlet: MovedMachine = {
  name: 'dockerhost',
  folder: folderOf('by-podlet', ''),
  words: guest(
    'pve1',
    140,
    '--domain',
    'example.net',
    '--include-secrets',
    'paperless-db.container',
    '--exclude',
    'vaultwarden.container',
  ),
  attributes: {},
  links: {},
  folders: ['etc/containers/systemd/traefik/acme', 'etc/containers/systemd/paperless/consume'],
  left: [
    'rootless /home/me/.config/containers/systemd/gitea-runner.container',
    'rootless /home/me/.config/containers/systemd/syncthing.container',
    'secret /etc/containers/systemd/nextcloud/nextcloud-kube.yaml',
    'secret /etc/containers/systemd/paperless/docker-compose.env',
  ],
  apps: 12,
  files: 28,
};

import assert from 'node:assert/strict';
import type { Release } from '../../../schema/wire/release.ts';
import { buildTree, type Tree } from '../repo-fixture.ts';

/** A home with one guest, `websvcs`. */
export const homelab = [
  'v: 1',
  'site: { domain: example.net }',
  'networks: { lan: { subnet: 192.168.20.0/24 } }',
  'hosts: { pve1: { network: lan, address: 192.168.20.2 } }',
  'guests: { websvcs: { host: pve1, vmid: 101, network: lan, address: 192.168.20.11 } }',
  'generators: { traefik: { on: false }, haproxy: { on: false } }',
  '',
].join('\n');

/** A home with one host, `pve2`. */
export const towerHomelab = [
  'v: 1',
  'site: { domain: example.net }',
  'networks: { lan: { subnet: 192.168.20.0/24 } }',
  'hosts: { pve2: { network: lan, address: 192.168.20.2 } }',
  '',
].join('\n');

/** A unit of Quadlet's that runs busybox in the network that the home's containers share. */
export const container = (name: string, exec: string, more: readonly string[] = []): string =>
  [
    '[Container]',
    'Image=localhost/busy:1',
    `ContainerName=${name}`,
    'Network=apps.network',
    // What ignores the signal to stop would take ten seconds each time.
    'StopSignal=SIGKILL',
    ...more,
    `Exec=${exec}`,
    '[Service]',
    'Restart=on-failure',
    'TimeoutStopSec=5',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');

/** A service of systemd's own, which says by itself when it is up and when it has read its file again. */
export const service = (script: string, more: readonly string[] = []): string =>
  [
    '[Service]',
    `ExecStart=/bin/sh -c '${script}'`,
    ...more,
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');

const haproxy = (backend: number): string =>
  [
    'global',
    '  stats socket /run/haproxy/admin.sock mode 660 level admin',
    'defaults',
    '  mode tcp',
    '  timeout connect 2s',
    '  timeout client 10s',
    '  timeout server 10s',
    'frontend door',
    '  bind 127.0.0.1:8000',
    '  default_backend proxy',
    'backend proxy',
    `  server proxy 127.0.0.1:${backend}`,
    '',
  ].join('\n');

/**
 * Ten apps: HAProxy of the distribution, before a reverse proxy, before a web page, which uses something like a
 * database with a volume; a shared network; workers made of a template; a timer, a socket; a service that reloads.
 */
export const wideHome: Tree = {
  'homelab.yaml': homelab,
  'apps/base/app.yaml': 'on: websvcs\nunits: [apps.network]\n',
  'apps/base/apps.network': '[Network]\nSubnet=10.89.7.0/24\n',

  'apps/store/app.yaml': [
    'on: websvcs',
    'units: [store.container, store.volume]',
    'files: [{ from: schema.sql, to: "volume:store/schema.sql", manage: seed }]',
    'health: { path: /schema.sql, port: 5432, within: 20s }',
    '',
  ].join('\n'),
  'apps/store/store.container': container('store', 'httpd -f -p 5432 -h /data', [
    'Volume=store.volume:/data',
  ]),
  'apps/store/store.volume': '[Volume]\n',
  'apps/store/schema.sql': 'create table one;\n',

  'apps/web/app.yaml': [
    'on: websvcs',
    'units: [web.container]',
    'files: [{ from: index.html, to: /etc/opt/web/index.html }]',
    'dirs: [{ path: /etc/opt/web-cache, mode: "0750", owner: 33 }]',
    'health: { path: /, port: 8080, within: 20s }',
    'uses: [store]',
    '',
  ].join('\n'),
  'apps/web/web.container': container('web', 'httpd -f -p 8080 -h /www', ['Volume=/etc/opt/web:/www:ro']),
  'apps/web/index.html': 'one\n',

  'apps/proxy/app.yaml': [
    'on: websvcs',
    'units: [proxy.container]',
    'files: [{ from: proxy.sh, to: /etc/opt/proxy/proxy.sh, mode: "0640" }]',
    'uses: [web]',
    '',
  ].join('\n'),
  'apps/proxy/proxy.container': container('proxy', 'nc -ll -p 80 -e /bin/sh /conf/proxy.sh', [
    'Volume=/etc/opt/proxy:/conf:ro',
    'PublishPort=127.0.0.1:8081:80',
  ]),
  'apps/proxy/proxy.sh': 'exec nc web 8080\n',

  'apps/edge/app.yaml': [
    'on: websvcs',
    'service: haproxy.service',
    'units: [haproxy.service.d/10-restart.conf]',
    'files: [{ from: haproxy.cfg, to: /etc/haproxy/haproxy.cfg, on_change: reload }]',
    'health: { scheme: tcp, port: 8000 }',
    'uses: [proxy]',
    '',
  ].join('\n'),
  'apps/edge/haproxy.service.d/10-restart.conf': '[Service]\nRestartSec=1\n',
  'apps/edge/haproxy.cfg': haproxy(8081),

  'apps/workers/app.yaml': [
    'on: websvcs',
    'units: [worker@.container, workers.target]',
    'files: [{ from: work.conf, to: /etc/opt/workers/work.conf }]',
    '',
  ].join('\n'),
  'apps/workers/worker@.container': [
    '[Container]',
    'Image=localhost/busy:1',
    'Network=apps.network',
    'StopSignal=SIGKILL',
    'Exec=sleep 100000',
    '',
  ].join('\n'),
  'apps/workers/workers.target': [
    '[Unit]',
    'Wants=worker@one.service worker@two.service',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n'),
  'apps/workers/work.conf': 'much\n',

  'apps/job/app.yaml': 'on: websvcs\nunits: [job.service, job.timer]\n',
  'apps/job/job.service': '[Service]\nType=oneshot\nExecStart=/bin/true\n',
  'apps/job/job.timer': '[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target\n',

  'apps/echo/app.yaml': 'on: websvcs\nunits: [echo.socket, echo@.service]\n',
  'apps/echo/echo.socket':
    '[Socket]\nListenStream=127.0.0.1:7007\nAccept=yes\n[Install]\nWantedBy=sockets.target\n',
  'apps/echo/echo@.service': '[Service]\nExecStart=/bin/cat\nStandardInput=socket\n',

  'apps/beacon/app.yaml': [
    'on: websvcs',
    'units: [beacon.service]',
    'files: [{ from: beacon.conf, to: /etc/opt/beacon/beacon.conf, on_change: reload }]',
    '',
  ].join('\n'),
  'apps/beacon/beacon.service': service(
    'show() { cp /etc/opt/beacon/beacon.conf /run/beacon.shown; }; trap show HUP; show; while :; do sleep 0.1; done',
    ['ExecReload=/bin/kill -HUP $MAINPID'],
  ),
  'apps/beacon/beacon.conf': 'bright\n',

  'apps/clock/app.yaml': 'on: websvcs\nunits: [clock.service]\n',
  'apps/clock/clock.service': service('exec sleep 100000'),
};

/** Files of apps with another value, for a test to make. */
export const edits = { haproxy };

/** Builds the release of a home, with files of it changed; `undefined` takes one away. */
export async function releaseOf(home: Tree, changes: Parameters<typeof buildTree>[1] = {}): Promise<Release> {
  const { release, findings } = await buildTree(home, changes);
  assert.ok(release !== undefined, JSON.stringify(findings));
  return release;
}

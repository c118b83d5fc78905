import { execFileSync } from 'node:child_process';
import type { Tree } from '../repo-fixture.ts';
import { type ActHost, bundleForGuest, startActHost } from './act-host.ts';
import type { Guest } from './guest.ts';

/** The name by which the host `cloud` reaches the API, and where in the tailnet that is. */
export const apiName = 'writ.example.net';
const apiAt = '100.64.0.9:8420';

const haproxy = (name: string): string =>
  [
    'defaults',
    '  mode tcp',
    '  timeout connect 2s',
    '  timeout client 60s',
    '  timeout server 60s',
    'frontend public',
    '  bind 127.0.0.1:443',
    '  tcp-request inspect-delay 5s',
    '  tcp-request content accept if { req.ssl_hello_type 1 }',
    `  use_backend api if { req.ssl_sni -i ${name} }`,
    'backend api',
    `  server api ${apiAt}`,
    '',
  ].join('\n');

const unbound = (lines: readonly string[]): string =>
  ['server:', '  interface: 127.0.0.1', '  local-zone: "example.net." static', ...lines, ''].join('\n');

const policy = (dst: readonly string[]): string =>
  [
    '{',
    '  // What the public machine reaches at home.',
    `  "acls": [{ "action": "accept", "src": ["tag:cloud"], "dst": ${JSON.stringify(dst)} }],`,
    '}',
    '',
  ].join('\n');

const paths = {
  haproxy: '/etc/haproxy/haproxy.cfg',
  unbound: '/etc/unbound/unbound.conf.d/home.conf',
  policy: '/etc/headscale/policy.hujson',
} as const;

const app = (service: string, from: string, to: string): string =>
  ['on: cloud', `service: ${service}`, `files: [{ from: ${from}, to: ${to}, on_change: reload }]`, ''].join(
    '\n',
  );

/** The public machine, which carries its own way to the API: a name, a proxy and the tailnet, one behind the other. */
export const cloudHome: Tree = {
  'homelab.yaml': [
    'v: 1',
    'site: { domain: example.net }',
    'networks: { internet: { subnet: 203.0.113.0/24 } }',
    'hosts: { cloud: { network: internet, address: 203.0.113.10 } }',
    'generators: { traefik: { on: false }, haproxy: { on: false } }',
    '',
  ].join('\n'),
  'apps/edge/app.yaml': app('haproxy.service', 'haproxy.cfg', paths.haproxy),
  'apps/edge/haproxy.cfg': haproxy(apiName),
  'apps/dns/app.yaml': app('unbound.service', 'home.conf', paths.unbound),
  'apps/dns/home.conf': unbound([`  local-data: "${apiName}. A 127.0.0.1"`]),
  'apps/tailnet/app.yaml': app('headscale.service', 'policy.hujson', paths.policy),
  'apps/tailnet/policy.hujson': policy([apiAt]),
  'apps/note/app.yaml': 'on: cloud\nunits: [note.service]\n',
  'apps/note/note.service': '[Service]\nExecStart=/bin/sleep 100000\n',
};

/** What all of them are that a release of this home touches, or leaves alone. */
export const cloudServices = ['haproxy.service', 'unbound.service', 'headscale.service', 'note.service'];

/** One file of each way, as a release may have it that works, and as one that cuts the host off, each valid for its program. */
export const cloudEdits = {
  haproxy: {
    file: 'apps/edge/haproxy.cfg',
    good: haproxy(apiName).replaceAll('60s', '50s'),
    bad: haproxy(`old-${apiName}`),
  },
  address: {
    file: 'apps/dns/home.conf',
    good: unbound([`  local-data: "${apiName}. 60 A 127.0.0.1"`]),
    bad: unbound([`  local-data: "${apiName}. A 127.0.0.7"`]),
  },
  name: {
    file: 'apps/dns/home.conf',
    good: unbound([`  local-data: "${apiName}. 120 A 127.0.0.1"`]),
    bad: unbound(['  local-data: "www.example.net. A 127.0.0.1"']),
  },
  policy: {
    file: 'apps/tailnet/policy.hujson',
    good: policy([apiAt, '100.64.0.9:22']),
    bad: policy(['100.64.0.9:22']),
  },
} as const;

const headscaleUnit = [
  '[Service]',
  'ExecStart=/usr/bin/headscale serve',
  'ExecReload=/bin/kill -HUP $MAINPID',
  '[Install]',
  'WantedBy=multi-user.target',
  '',
].join('\n');

/** Sets up by hand what the releases will have: the relay is enrolled by the name that this very host resolves. */
async function prepare(guest: Guest, netns: string): Promise<void> {
  execFileSync('ip', ['-n', netns, 'addr', 'add', `${apiAt.split(':')[0]}/32`, 'dev', 'lo']);
  const masks = ['/etc/systemd/system/haproxy.service', '/etc/systemd/system/unbound.service'];
  // Without the package with the root's keys, Unbound cannot use it.
  const anchor = '/etc/unbound/unbound.conf.d/root-auto-trust-anchor-file.conf';
  await guest.must(['rm', ...masks, anchor]);
  guest.put(paths.haproxy, String(cloudHome['apps/edge/haproxy.cfg']));
  guest.put(paths.unbound, String(cloudHome['apps/dns/home.conf']));
  guest.put(paths.policy, String(cloudHome['apps/tailnet/policy.hujson']));
  guest.put('/etc/resolv.conf', 'nameserver 127.0.0.1\n');
  guest.put('/usr/bin/headscale', `#!/usr/bin/node\n${await bundleForGuest('headscale-main.ts')}`, 0o755);
  guest.put('/usr/lib/systemd/system/headscale.service', headscaleUnit);
  await guest.must(['mkdir', '-p', '/var/lib/headscale']);
  guest.put('/opt/quick-relay.mjs', await bundleForGuest('quick-relay-main.ts'));
  guest.put(
    '/etc/systemd/system/writ-relay.service.d/quick.conf',
    '[Service]\nExecStart=\nExecStart=/usr/bin/node --jitless /opt/quick-relay.mjs\n',
  );
  await guest.must(['systemctl', 'daemon-reload']);
  await guest.must(['systemctl', 'restart', 'headscale', 'haproxy', 'unbound']);
}

/** Boots it, its relay enrolled by the way that it carries. */
export const startCloud = (): Promise<ActHost> =>
  startActHost({
    name: 'cloud',
    paths: [...Object.values(paths), '/etc/systemd/system/**'],
    origin: `https://${apiName}`,
    apiAt,
    prepare,
  });

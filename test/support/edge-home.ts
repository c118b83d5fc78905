import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Built } from '../../src/config/build/build.ts';
import { buildTree, type Tree } from './repo-fixture.ts';

/**
 * A home with a public machine, `cloud`, and three at home that carry proxies: `secsvcs` and `homesvcs` are always
 * on, `websvcs` is on a tower that sleeps. The router answers for names.
 */
export const edgeHome: Tree = {
  'homelab.yaml': [
    'v: 1',
    'site: { domain: example.net }',
    'networks:',
    '  servers: { subnet: 192.168.20.0/24 }',
    'hosts:',
    '  cloud: { tailnet: 100.64.0.1, public_address: 203.0.113.10 }',
    '  pve1: { network: servers, address: 192.168.20.11 }',
    '  pve2:',
    '    network: servers',
    '    address: 192.168.20.12',
    '    sleeps: true',
    '    mac: 02:00:5e:10:00:02',
    '    wake_via: pve1',
    '    wake_address: 192.168.20.255',
    'guests:',
    '  router: { host: pve1, vmid: 100, network: servers, address: 192.168.20.1 }',
    '  secsvcs: { host: pve1, vmid: 101, network: servers, address: 192.168.20.31, tailnet: 100.64.0.31 }',
    '  homesvcs: { host: pve1, vmid: 102, network: servers, address: 192.168.20.32 }',
    '  websvcs: { host: pve2, vmid: 103, network: servers, address: 192.168.20.41 }',
    'names:',
    '  nas: { address: 192.168.20.60 }',
    '',
  ].join('\n'),
  'apps/haproxy/app.yaml': [
    'on: cloud',
    'service: haproxy.service',
    'files:',
    '  - { generate: haproxy/config, to: /etc/haproxy/haproxy.cfg, on_change: reload }',
    '  - { generate: haproxy/names, to: /etc/haproxy/names.map, on_change: reload }',
    '',
  ].join('\n'),
  'apps/traefik/app.yaml': [
    'on: [homesvcs, secsvcs, websvcs]',
    'files:',
    '  - { generate: traefik/static, to: /etc/traefik/traefik.yml }',
    '  - { generate: traefik/dynamic, to: /etc/traefik/dynamic/writ.yml, on_change: none }',
    '',
  ].join('\n'),
  'apps/unbound/app.yaml': [
    'on: router',
    'service: unbound.service',
    'files:',
    '  - { generate: unbound/zone, to: /etc/unbound/unbound.conf.d/writ.conf }',
    '',
  ].join('\n'),
  // The control plane's own name, whose certificate it holds itself.
  'apps/writ/app.yaml': [
    'on: cloud',
    'service: writ.service',
    'route: { host: writ, port: 8420, public: true, passthrough: true }',
    '',
  ].join('\n'),
  'apps/graph/app.yaml': 'on: secsvcs\nroute: { host: graph, port: 3000, public: true }\n',
  'apps/waking/app.yaml': 'on: secsvcs\nroute: { host: waking, port: 8000, waking: true }\n',
  'apps/hass/app.yaml': 'on: homesvcs\nroute: { host: hass, port: 8123 }\n',
  'apps/media/app.yaml': 'on: websvcs\nroute: { host: [media, music], port: 8096, public: true }\n',
};

/** Changes of one file's text, which must be there. */
export function changed(path: string, ...changes: readonly (readonly [string, string])[]): Tree {
  let text = String(edgeHome[path]);
  for (const [before, after] of changes) {
    if (!text.includes(before)) throw new Error(`${path} does not hold ${before}`);
    text = text.replace(before, after);
  }
  return { [path]: text };
}

/** Changes that bring a public wildcard, and place the map that it needs. */
export const publicWildcard: Tree = {
  'apps/any/app.yaml': 'on: homesvcs\nroute: { host: "*", port: 80, public: true }\n',
  ...changed('apps/haproxy/app.yaml', [
    'names.map, on_change: reload }\n',
    'names.map, on_change: reload }\n  - { generate: haproxy/suffixes, to: /etc/haproxy/suffixes.map }\n',
  ]),
};

const resolvers = {
  dns: {
    acme: { email: 'owner@example.net', storage: '/data/acme.json', dnsChallenge: { provider: 'rfc2136' } },
  },
};

/** Builds the edge home, with options for a generator where they are given. */
export async function buildEdge(
  changes: Parameters<typeof buildTree>[1] = {},
  options: Readonly<Record<string, object>> = {},
): Promise<Built> {
  const homelab = String(changes['homelab.yaml'] ?? edgeHome['homelab.yaml']);
  const generators = Object.fromEntries(
    Object.entries({ traefik: { resolvers }, ...options }).map(([name, given]) => [name, { options: given }]),
  );
  const all = { traefik: { on: false }, ...generators };
  const text = `${homelab}generators: ${JSON.stringify(all)}\n`;
  return buildTree(edgeHome, { ...changes, 'homelab.yaml': text });
}

/** The text of a file of a release; fails with the findings where there is none. */
export function fileOf(built: Built, target: string, path: string): string {
  const file = built.release?.manifest.parts
    .find((part) => part.target === target)
    ?.files.find((one) => one.path === path);
  if (file === undefined) throw new Error(`no ${path} on ${target}: ${JSON.stringify(built.findings)}`);
  return new TextDecoder().decode(built.release!.blobs.get(file.digest));
}

/** Writes what a release puts on a machine below a new folder, which is removed when the test ends. */
export function writePart(t: { after(work: () => void): void }, built: Built, target: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'writ-part-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const { path } of built.release?.manifest.parts.find((part) => part.target === target)?.files ?? []) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), fileOf(built, target, path));
  }
  return folder;
}

import type { Generator } from '../../src/config/generate/generator.ts';
import { generateFor, homeOf } from './compiled-home.ts';
import type { Tree } from './repo-fixture.ts';

/** A box of an app, in the network of its machine. */
const box = (name: string, image: string): Tree => ({
  [`apps/${name}/${name}.container`]: `[Container]\nImage=${image}\nContainerName=${name}\nNetwork=home.network\n`,
});

/**
 * A home that is looked at: `secsvcs`, always on, where the looking is done; `websvcs` on a tower that is awake by
 * day; `gaming`, started on demand; and a machine on the internet.
 */
export const watchedHome: Tree = {
  'homelab.yaml': [
    'v: 1',
    'site: { domain: example.net, timezone: Europe/Berlin, title: "our home" }',
    'networks:',
    '  lan: { subnet: 192.168.20.0/24 }',
    '  wifi: { subnet: 192.168.10.0/24 }',
    'hosts:',
    '  cloud: { proxmox: false, tailnet: 100.64.0.1, public_address: 203.0.113.10 }',
    '  pve1: { title: the small server, address: 192.168.20.1, network: lan }',
    '  pve2: { title: the tower, address: 192.168.20.2, network: lan, sleeps: true, mac: "02:00:00:00:00:01", wake_via: pve1, wake_address: 192.168.20.255 }',
    'guests:',
    '  secsvcs: { host: pve1, vmid: 101, title: services, address: 192.168.20.11, network: lan }',
    '  websvcs: { host: pve2, vmid: 102, address: 192.168.20.12, network: lan }',
    '  gaming: { host: pve2, vmid: 103, address: 192.168.20.13, network: lan, ad_hoc: true }',
    'power:',
    '  pve2: { mode: scheduled, awake: { from: "07:00", to: "23:00" } }',
    'access:',
    '  family: { policy: one_factor }',
    '  guests: { policy: bypass, from: wifi }',
    '  neighbours: { policy: bypass, from: lan }',
    'generators: { traefik: { on: false } }',
    '',
  ].join('\n'),
  'apps/gatus/app.yaml': [
    'on: secsvcs',
    'units: [gatus.container]',
    'files: [{ generate: gatus/endpoints, to: /etc/opt/gatus/home.yaml }]',
    'route: { host: status, port: 8080, access: family }',
    'health: { path: /health }',
    'uses: [{ app: postgres, port: 5432 }]',
    '',
  ].join('\n'),
  ...box('gatus', 'ghcr.io/twin/gatus:v5.29.0'),
  'apps/postgres/app.yaml': [
    'title: PostgreSQL',
    'on: secsvcs',
    'units: [postgres.container]',
    'health: { scheme: tcp, port: 5432 }',
    '',
  ].join('\n'),
  ...box('postgres', 'docker.io/library/postgres:17.6'),
  'apps/git/app.yaml': [
    'title: Git',
    'on: websvcs',
    'route: { host: git, port: 3000 }',
    'health: { path: /api/healthz }',
    '',
  ].join('\n'),
  'apps/waking/app.yaml': [
    'on: secsvcs',
    'route: { host: waking, port: 8080, public: true, waking: true }',
    'health: { path: /, status: 503 }',
    '',
  ].join('\n'),
};

/** What a generator makes for an app of the home that is looked at, with some of its files otherwise. */
export function madeFor(
  generator: Generator,
  output: string,
  place: { readonly app: string; readonly target: string },
  changes: Tree = {},
  options: Readonly<Record<string, unknown>> = {},
): { readonly text: string; readonly doubts: readonly string[]; readonly findings: readonly string[] } {
  const { home, findings } = homeOf({ ...watchedHome, ...changes });
  const { made, doubts } = generateFor(generator, output, home, place, options);
  if (made.kind !== 'file') throw new Error(`${output} is a folder`);
  return {
    text: made.text,
    doubts: doubts.map(({ severity, code, message }) => `${severity} ${code}: ${message}`),
    findings: findings.map(({ code, message }) => `${code}: ${message}`),
  };
}

/** The homelab.yaml of that home with a text of it replaced, or more at its end. */
export function homelabWith(
  ...changes: readonly (readonly [before: string, after: string] | string)[]
): Tree {
  let text = String(watchedHome['homelab.yaml']);
  for (const change of changes) {
    if (typeof change === 'string') text += `${change}\n`;
    else if (!text.includes(change[0])) throw new Error(`homelab.yaml does not hold ${change[0]}`);
    else text = text.replace(change[0], change[1]);
  }
  return { 'homelab.yaml': text };
}

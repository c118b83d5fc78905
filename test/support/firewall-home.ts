import type { Doubt } from '../../src/config/generate/generator.ts';
import { nftables } from '../../src/config/generate/nftables.ts';
import { generateFor, homeOf } from './compiled-home.ts';
import type { Tree } from './repo-fixture.ts';

const box = (...lines: string[]): string =>
  ['[Container]', 'Image=docker.io/library/a:1', ...lines, ''].join('\n');

/** A guest, `web`, with containers and services of its own, that others at home, on the tailnet and outside speak to. */
export const firewallHome: Tree = {
  'homelab.yaml': [
    'v: 1',
    'site: { domain: example.net }',
    'networks: { lan: { subnet: 192.168.20.0/24 }, wifi: { subnet: 192.168.30.0/24 } }',
    'hosts:',
    '  cloud: { proxmox: false, tailnet: 100.64.0.1, public_address: 203.0.113.10 }',
    '  pve1: { network: lan, address: 192.168.20.11, tailnet: 100.64.0.11 }',
    'guests:',
    '  web:',
    '    host: pve1',
    '    vmid: 101',
    '    network: lan',
    '    address: 192.168.20.31',
    '    tailnet: 100.64.0.31',
    '    containers: { network: home, subnet: 10.89.1.0/24 }',
    '  other: { host: pve1, vmid: 102, network: lan, address: 192.168.20.41 }',
    '',
  ].join('\n'),
  'apps/haproxy/app.yaml': 'on: cloud\nfiles: [{ generate: haproxy/config, to: /etc/haproxy/haproxy.cfg }]\n',
  'apps/traefik/app.yaml':
    'on: web\nunits: [traefik.container]\nfiles: [{ generate: traefik/static, to: /etc/opt/traefik/traefik.yml }]\n',
  'apps/traefik/traefik.container': box('Network=home.network', 'PublishPort=443:443'),
  'apps/networks/app.yaml':
    'on: web\nunits: [apart.network]\nfiles: [{ generate: podman/networks, to: /etc/containers/systemd/ }]\n',
  'apps/networks/apart.network': '[Network]\nSubnet=10.89.5.0/24\n',
  'apps/exporter/app.yaml': 'on: web\nunits: [exporter.container]\n',
  'apps/exporter/exporter.container': box('Network=host'),
  'apps/watch/app.yaml': 'on: other\nuses: [{ app: exporter, on: web, port: 9100 }]\n',
  'apps/postgres/app.yaml': 'on: web\nunits: [postgres.container]\n',
  'apps/postgres/postgres.container': box('Network=home.network', 'PublishPort=5432:5432'),
  'apps/wiki/app.yaml': 'on: other\nuses: [{ postgres: { on: web, database: wiki, password: wiki_pg } }]\n',
  'apps/game/app.yaml': 'on: web\nports: [{ port: 2456 }, { port: 2456, proto: udp }]\n',
  'apps/names/app.yaml': 'on: web\nports: [{ port: 53, proto: udp, from: [wifi, 192.168.20.9] }]\n',
  'apps/page/app.yaml': 'on: web\nunits: [page.container]\nroute: { host: page, port: 8123 }\n',
  'apps/page/page.container': box('Network=host'),
  'apps/firewall/app.yaml':
    'on: [web, pve1, cloud]\nfiles: [{ generate: nftables/ruleset, to: /etc/opt/firewall/ruleset.nft }]\n',
};

/** The ruleset of a machine and what was doubted. */
export function rulesetOf(
  target = 'web',
  options: Readonly<Record<string, unknown>> = {},
  tree: Tree = firewallHome,
): { readonly text: string; readonly doubts: readonly Doubt[] } {
  const { made, doubts } = generateFor(
    nftables,
    'ruleset',
    homeOf(tree).home,
    { app: 'firewall', target },
    options,
  );
  return { text: made.kind === 'file' ? made.text : '', doubts };
}

import type { Tree } from './repo-fixture.ts';

/** Two networks with a router between them. */
export const networksHome: Tree = {
  'homelab.yaml': [
    'v: 1',
    'site: { domain: example.net }',
    'networks:',
    '  lan: { subnet: 192.168.20.0/24, vlan: 20, gateway: 192.168.20.1 }',
    '  wifi: { title: phones and guests, subnet: 192.168.10.0/24, vlan: 10, gateway: 192.168.10.1 }',
    'hosts: { pve1: { network: lan, address: 192.168.20.2 } }',
    'guests:',
    '  web: { host: pve1, vmid: 101, network: lan, address: 192.168.20.31, tailnet: 100.64.0.31 }',
    '  desk: { host: pve1, vmid: 102, network: lan, address: 192.168.20.21 }',
    '  desk-wifi: { host: pve1, vmid: 103, network: wifi, address: 192.168.10.21 }',
    'devices: { tv: { kind: television, network: wifi, address: 192.168.10.50 } }',
    '',
  ].join('\n'),
  'apps/traefik/app.yaml':
    'on: web\nfiles: [{ generate: traefik/static, to: /etc/opt/traefik/traefik.yml }]\n',
  'apps/names/app.yaml': 'on: web\nports: [{ port: 53, proto: udp, from: [wifi, lan] }]\n',
  'apps/db/app.yaml': 'on: web\nports: [{ port: 5432, from: [desk, desk-wifi] }]\n',
  'apps/cast/app.yaml': 'on: tv\nports: [{ port: 8009, from: desk }]\n',
  'apps/router/app.yaml': 'on: pve1\nfiles: [{ generate: router/rules, to: /etc/opt/router/rules.json }]\n',
};

export const networksPlace = { app: 'router', target: 'pve1' };

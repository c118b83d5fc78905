import type { Tree } from './repo-fixture.ts';

/** A home with a public machine, a host and a guest on the tailnet, and something of theirs that is not. */
export const tailnetHome = (changes: Tree = {}): Tree => ({
  'homelab.yaml': [
    'v: 1',
    'site: { domain: example.net }',
    'networks: { lan: { subnet: 192.168.20.0/24 }, wifi: { subnet: 192.168.10.0/24 } }',
    'hosts:',
    '  cloud: { proxmox: false, public_address: 203.0.113.10, tailnet: 100.64.0.1 }',
    '  pve1: { network: lan, address: 192.168.20.2, tailnet: 100.64.0.2 }',
    'guests:',
    '  web: { host: pve1, vmid: 101, network: lan, address: 192.168.20.11, tailnet: 100.64.0.11 }',
    '  router: { host: pve1, vmid: 100, network: lan, address: 192.168.20.1 }',
    'people:',
    '  anna: { title: Anna, email: anna@example.net, groups: [admins, family] }',
    '  ben: { email: ben@example.net, groups: family }',
    'access: { family: { groups: [family, guests] } }',
    'names: { lan: { to: pve1 }, router: { to: router } }',
    '',
  ].join('\n'),
  'apps/haproxy/app.yaml': [
    'on: cloud',
    'service: haproxy.service',
    'files: [{ generate: haproxy/config, to: /etc/haproxy/haproxy.cfg }]',
    '',
  ].join('\n'),
  'apps/headscale/app.yaml': [
    'on: cloud',
    'service: headscale.service',
    'route: { host: headscale, port: 8443, public: true, passthrough: true }',
    '',
  ].join('\n'),
  'apps/wiki/app.yaml': 'on: web\nservice: wiki.service\nroute: { host: wiki, port: 80, public: true }\n',
  ...changes,
});

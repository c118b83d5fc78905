import type { Tree } from './repo-fixture.ts';

/** A home with a proxy on a machine that is always on (secsvcs) and on one that may sleep (websvcs). */
export const proxyHome: Tree = {
  'homelab.yaml': [
    'v: 1',
    'site: { domain: example.net }',
    'networks:',
    '  lan: { subnet: 192.168.20.0/24 }',
    'hosts:',
    '  cloud: { proxmox: false, tailnet: 100.64.0.1 }',
    '  pve1: { address: 192.168.20.1, network: lan }',
    '  pve2: { address: 192.168.20.2, network: lan, sleeps: true, mac: "02:00:00:00:00:01", wake_via: pve1, wake_address: 192.168.20.255 }',
    'guests:',
    '  secsvcs: { host: pve1, vmid: 101, address: 192.168.20.11, network: lan }',
    '  websvcs: { host: pve2, vmid: 102, address: 192.168.20.12, network: lan }',
    'access:',
    '  admins: { groups: admins }',
    '  family: { groups: family, policy: one_factor }',
    '  nobody: { policy: deny }',
    '  anyone: { policy: bypass }',
    '  inside: { policy: bypass, from: lan }',
    '  desk: { groups: admins, from: [192.168.20.30, pve1] }',
    'ingress: { from: cloud }',
    'generators: { traefik: { options: { resolvers: { dns: { acme: { storage: /acme.json, dnsChallenge: { provider: manual } } } } } } }',
    '',
  ].join('\n'),
  ...proxyOn('secsvcs', 'traefik'),
  ...proxyOn('websvcs', 'traefik-web'),
  ...box('authelia', 'secsvcs', 'route: { host: auth, port: 9091, public: true }'),
};

function proxyOn(target: string, app: string): Tree {
  return box(
    app,
    target,
    'files:',
    '  - { generate: traefik/static, to: /etc/opt/traefik/traefik.yml }',
    '  - { generate: traefik/dynamic, to: /etc/opt/traefik/dynamic/home.yml, on_change: none }',
  );
}

/** An app of one container, with more lines of its app.yaml. */
export function box(app: string, on: string, ...lines: readonly string[]): Tree {
  return {
    [`apps/${app}/app.yaml`]: [`on: ${on}`, `units: [${app}.container]`, ...lines, ''].join('\n'),
    [`apps/${app}/${app}.container`]: `[Container]\nImage=docker.io/library/nginx:1.29.1\nContainerName=${app}\n`,
  };
}

import assert from 'node:assert/strict';
import { traefik } from '../../src/config/generate/traefik.ts';
import { generateFor, homeOf } from './compiled-home.ts';
import type { Tree } from './repo-fixture.ts';
import { readTraefik, type TraefikAnswer, type TraefikReader } from './traefik-reader.ts';

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
    'generators: { authelia: { on: false }, haproxy: { on: false }, traefik: { options: { resolvers: { dns: { acme: { storage: /acme.json, dnsChallenge: { provider: manual } } } } } } }',
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

const places = { secsvcs: 'traefik', websvcs: 'traefik-web' } as const;
type Target = keyof typeof places;

/** Both files of a proxy, and what was doubted. */
export function makeProxy(changes: Tree, target: Target = 'secsvcs', options: Record<string, unknown> = {}) {
  const { home } = homeOf({ ...proxyHome, ...changes });
  const of = (output: string) => generateFor(traefik, output, home, { app: places[target], target }, options);
  const [first, second] = [of('static'), of('dynamic')];
  const text = ({ made }: typeof first): string => (made.kind === 'file' ? made.text : '');
  return {
    staticText: text(first),
    dynamicText: text(second),
    doubts: second.doubts.map(({ severity, code, message }) => `${severity} ${code}: ${message}`),
  };
}

/** Severity and code of each doubt. */
export const doubtsOf = (...given: Parameters<typeof makeProxy>): string[] =>
  makeProxy(...given).doubts.map((doubt) => doubt.slice(0, doubt.indexOf(':')));

/** Both files read back; there are no doubts. */
export function readProxy(...given: Parameters<typeof makeProxy>): TraefikReader {
  const { staticText, dynamicText, doubts } = makeProxy(...given);
  assert.deepEqual(doubts, []);
  return readTraefik(staticText, dynamicText);
}

/** Who answers `host/path` over TLS, in words: what a request passes, and the server. */
export const askProxy = (
  reader: TraefikReader,
  url: string,
  entryPoint = 'home',
  more: object = {},
): string => {
  const [host, ...path] = url.split('/');
  const answer = reader.route({ entryPoint, sni: host!, path: `/${path.join('/')}`, ...more });
  return tellAnswer(answer);
};

export const tellAnswer = (answer: TraefikAnswer | null): string => {
  if (answer === null || answer.kind === 'redirect') return answer === null ? 'nothing' : `to ${answer.to}`;
  const kinds = answer.middlewares.filter(({ name }) => name !== '_anonymous').map(({ kind }) => kind);
  return [...kinds, answer.servers[0] ?? answer.service, ...(answer.passthrough ? ['unopened'] : [])].join(
    ' > ',
  );
};

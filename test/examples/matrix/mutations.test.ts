import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { buildExample, exampleRepo } from '../example.ts';
import { compareAll, type Disagreement, tellDisagreements } from './compare.ts';
import { filesOfRelease, saidOf, withFile } from './home-files.ts';

/** One name with two accesses, so that the order of rules matters. */
const shop = {
  'apps/shop/app.yaml': [
    'on: websvcs',
    'service: shop.service',
    'routes:',
    '  - { name: page, host: shop, port: 8088, access: family, public: true }',
    '  - { name: desk, host: shop, port: 8089, access: admins, public: true, when: { path: /desk } }',
    '',
  ].join('\n'),
};
const { release } = await buildExample(shop);
const files = filesOfRelease(release!);
const said = saidOf(exampleRepo(), shop);

const traefik = /\/dynamic\/home\.yml$/;
const traefikStatic = /\/traefik\.yml$/;
const haproxy = /\/haproxy\.cfg$/;
const map = /\/names\.map$/;
const authelia = /\/authelia\/access-control\.yml$/;
const policy = /\/policy\.json$/;
const records = /\/records\.json$/;
const zone = /\/unbound\.conf\.d\/home\.conf$/;

type Change = (text: string) => string;
const replace =
  (before: string | RegExp, after: string): Change =>
  (text) =>
    text.replace(before, after);

/** Takes what a router says of its middlewares away, or one of them. */
const without =
  (router: string, middleware: string): Change =>
  (text) => {
    const from = text.indexOf(`\n    ${router}:\n`);
    const at = text.indexOf(`        - '${middleware}'\n`, from);
    return from < 0 || at < 0
      ? text
      : text.slice(0, at) + text.slice(at + `        - '${middleware}'\n`.length);
  };

type Rule = { domain: string[]; policy: string; subject?: string[][]; resources?: string[] };
/** Changes Authelia's rules. */
const rules =
  (change: (all: Rule[]) => Rule[]): Change =>
  (text) => {
    const tree = parse(text) as { access_control: { rules: Rule[] } };
    return stringify({
      access_control: { ...tree.access_control, rules: change(tree.access_control.rules) },
    });
  };
const ofName = (name: string, change: (rule: Rule) => Rule): Change =>
  rules((all) => all.map((rule) => (rule.domain.includes(`${name}.example.net`) ? change(rule) : rule)));

type Acl = { readonly src: string[]; readonly dst: string[] };
/** Changes Headscale's rules for some sources. */
const aclsOf =
  (src: string, change: (rule: Acl) => Acl): Change =>
  (text) => {
    const tree = JSON.parse(text) as { acls: Acl[] };
    return JSON.stringify({
      ...tree,
      acls: tree.acls.map((rule) => (rule.src.includes(src) ? change(rule) : rule)),
    });
  };

type Case = {
  readonly of: RegExp;
  readonly on: string;
  readonly change: Change;
  /** A route and a vantage that must disagree, and what becomes of the request by the manifest and by the files. */
  readonly at: readonly [route: string, vantage: string, means: string, becomes: string];
};

const cases: Readonly<Record<string, Case>> = {
  'Traefik does not ask who somebody is': {
    of: traefik,
    on: 'secsvcs',
    change: without('grafana', '_auth'),
    at: ['grafana@secsvcs', 'public', 'asked', 'in'],
  },
  'Traefik does not look at addresses': {
    of: traefik,
    on: 'websvcs',
    change: without('jellyfin', '_from.guests'),
    at: ['jellyfin@websvcs', 'tailnet', 'denied', 'in'],
  },
  'Traefik takes addresses of the tailnet for those of the home': {
    of: traefik,
    on: 'websvcs',
    change: replace("'192.168.20.0/24'", "'100.64.0.0/10'"),
    at: ['jellyfin@websvcs', 'tailnet', 'denied', 'in'],
  },
  'Traefik has a name of the home at the door to the internet': {
    of: traefik,
    on: 'secsvcs',
    change: replace(/(- 'home'\n)(\s+rule: 'Host\(`alerts)/, "$1        - 'public'\n$2"),
    at: ['victoriametrics/alerts@secsvcs', 'taken', 'nothing', 'asked'],
  },
  'Traefik leads a name to another app': {
    of: traefik,
    on: 'secsvcs',
    change: replace("url: 'http://grafana:3000'", "url: 'http://lldap:17170'"),
    at: ['grafana@secsvcs', 'home', 'in', 'in'],
  },
  'Traefik tries the wider route first': {
    of: traefik,
    on: 'homesvcs',
    change: replace('priority: 1000', 'priority: 100'),
    at: ['homeassistant/phone@homesvcs', 'public', 'in', 'asked'],
  },
  'Traefik lets a path pass that is not meant': {
    of: traefik,
    on: 'homesvcs',
    change: replace(' && !PathPrefix(`/api/hassio`)', ''),
    at: ['homeassistant/phone@homesvcs', 'public', 'asked', 'in'],
  },
  'Traefik believes nobody who tells whose connection it passes on': {
    of: traefikStatic,
    on: 'homesvcs',
    change: replace("- '100.64.0.1'", "- '100.64.0.9'"),
    at: ['homeassistant/page@homesvcs', 'public', 'asked', 'nothing'],
  },
  'the Traefik before Authelia does not believe the others': {
    of: traefikStatic,
    on: 'secsvcs',
    change: replace("- '192.168.21.12'", "- '192.168.21.13'"),
    at: ['homeassistant/page@homesvcs', 'home', 'in', 'denied'],
  },
  'the door to the internet is on another port': {
    of: traefikStatic,
    on: 'websvcs',
    change: replace("':8443'", "':8444'"),
    at: ['forgejo@websvcs', 'public', 'in', 'nothing'],
  },
  'HAProxy passes a name of the home on': {
    of: map,
    on: 'cloud',
    change: (text) => `${text}users.example.net be_secsvcs\n`,
    at: ['lldap@secsvcs', 'public', 'nothing', 'nothing'],
  },
  'HAProxy does not know a public name': {
    of: map,
    on: 'cloud',
    change: replace(/^git\..*\n/m, ''),
    at: ['forgejo@websvcs', 'public', 'in', 'nothing'],
  },
  'HAProxy passes a name on to another machine': {
    of: map,
    on: 'cloud',
    change: replace('home.example.net be_homesvcs', 'home.example.net be_secsvcs'),
    at: ['homeassistant/page@homesvcs', 'public', 'asked', 'nothing'],
  },
  'HAProxy goes to the door for people at home': {
    of: haproxy,
    on: 'cloud',
    change: replace('100.64.0.11:8443', '100.64.0.11:443'),
    at: ['grafana@secsvcs', 'public', 'asked', 'nothing'],
  },
  'HAProxy passes on whatever it is asked for': {
    of: haproxy,
    on: 'cloud',
    change: (text) =>
      text
        .replace('    tcp-request content silent-drop unless { var(txn.backend) -m found }\n', '')
        .replace('use_backend %[var(txn.backend)]', '$&\n    default_backend be_secsvcs'),
    at: ['lldap@secsvcs', 'public', 'nothing', 'nothing'],
  },
  'Authelia lets another group pass': {
    of: authelia,
    on: 'secsvcs',
    change: ofName('graph', (rule) => ({ ...rule, subject: [['group:admins'], ['group:family']] })),
    at: ['grafana@secsvcs', 'home', 'denied', 'in'],
  },
  'Authelia does not look at groups': {
    of: authelia,
    on: 'secsvcs',
    change: ofName('users', ({ domain, policy }) => ({ domain, policy })),
    at: ['lldap@secsvcs', 'tailnet', 'denied', 'in'],
  },
  'Authelia asks for one factor alone': {
    of: authelia,
    on: 'secsvcs',
    change: ofName('users', (rule) => ({ ...rule, policy: 'one_factor' })),
    at: ['lldap@secsvcs', 'tailnet', 'asked', 'asked'],
  },
  'Authelia has a wider rule before the others': {
    of: authelia,
    on: 'secsvcs',
    change: rules((all) => [{ domain: ['*.example.net'], policy: 'one_factor' }, ...all]),
    at: ['victoriametrics/alerts@secsvcs', 'home', 'denied', 'in'],
  },
  'Authelia has its rules the other way round': {
    of: authelia,
    on: 'secsvcs',
    change: rules((all) => all.toReversed()),
    at: ['shop/desk@websvcs', 'public', 'denied', 'in'],
  },
  'Authelia has a rule for another path': {
    of: authelia,
    on: 'secsvcs',
    change: rules((all) =>
      all.map((rule) => (rule.resources === undefined ? rule : { ...rule, resources: ['^/office'] })),
    ),
    at: ['shop/desk@websvcs', 'home', 'denied', 'in'],
  },
  'Authelia lacks a rule': {
    of: authelia,
    on: 'secsvcs',
    change: rules((all) => all.filter(({ domain }) => !domain.includes('status.example.net'))),
    at: ['gatus@secsvcs', 'public', 'asked', 'denied'],
  },
  'Authelia lets pass what no rule is for': {
    of: authelia,
    on: 'secsvcs',
    change: (text) => text.replace(/default_policy: '?deny'?/, 'default_policy: bypass'),
    at: ['grafana@secsvcs', 'public', 'denied', 'in'],
  },
  'Headscale opens the doors for people at home to the public machine': {
    of: policy,
    on: 'cloud',
    change: aclsOf('tag:edge', (rule) => ({ ...rule, dst: [...rule.dst, 'tag:guest:443'] })),
    at: ['lldap@secsvcs', 'taken', 'nothing', 'asked'],
  },
  'Headscale lets the public machine to the networks at home': {
    of: policy,
    on: 'cloud',
    change: aclsOf('tag:edge', (rule) => ({ ...rule, dst: [...rule.dst, 'pve1-lan:*'] })),
    at: ['lldap@secsvcs', 'taken', 'nothing', 'asked'],
  },
  'Headscale closes the way of what is public': {
    of: policy,
    on: 'cloud',
    change: aclsOf('tag:edge', (rule) => ({ ...rule, dst: ['tag:guest:8444'] })),
    at: ['forgejo@websvcs', 'public', 'in', 'nothing'],
  },
  'Headscale lets the owner alone in': {
    of: policy,
    on: 'cloud',
    change: aclsOf('autogroup:member', (rule) => ({ ...rule, src: ['group:admins'] })),
    at: ['gatus@secsvcs', 'tailnet', 'asked', 'nothing'],
  },
  'Headscale lets nobody ask for names': {
    of: policy,
    on: 'cloud',
    change: replace(/(\d):53"/g, '$1:54"'),
    at: ['writ@cloud', 'tailnet', 'in', 'nothing'],
  },
  'Headscale says another machine of a name': {
    of: records,
    on: 'cloud',
    change: replace(/("home\.example\.net".*?)100\.64\.0\.12/s, '$1100.64.0.11'),
    at: ['homeassistant/page@homesvcs', 'tailnet', 'asked', 'nothing'],
  },
  'Unbound lacks a name': {
    of: zone,
    on: 'secsvcs',
    change: replace(/^.*local-data: "films\..*\n/m, ''),
    at: ['jellyfin@websvcs', 'home', 'in', 'nothing'],
  },
  'Unbound says the public address of a name': {
    of: zone,
    on: 'secsvcs',
    change: replace(/local-data: "git\..*"/, 'local-zone: "git.example.net." transparent'),
    at: ['forgejo@websvcs', 'home', 'in', 'nothing'],
  },
  'Unbound denies names that are known outside alone': {
    of: zone,
    on: 'secsvcs',
    change: replace('"writ.example.net." transparent', '"writ.example.net." static'),
    at: ['writ@cloud', 'home', 'in', 'nothing'],
  },
};

const tell = ({ route, vantage, oracle, files: found }: Disagreement): string =>
  `${route} ${vantage} ${oracle.outcome} ${found.outcome}`;

for (const [name, { of, on, change, at }] of Object.entries(cases)) {
  test(`it is noticed when ${name}`, () => {
    const routes = said.routes.filter(({ id }) => id === at[0]);
    const { disagreements } = compareAll(withFile(files, of, on, change), said, { routes });
    const told = [...new Set(disagreements.map(tell))];
    assert.ok(told.includes(at.join(' ')), `${at.join(' ')} is not among ${told.join('; ')}`);
  });
}

/** Containers of one port on one machine, a pod and a machine's own address: the name alone tells them apart. */
const swapped: readonly (readonly [on: string, one: string, other: string])[] = [
  ['secsvcs', 'gatus:8080', 'waking:8080'],
  ['secsvcs', 'grafana:3000', 'homepage:3000'],
  ['websvcs', 'comments:8080', 'guacamole:8080'],
  ['websvcs', 'kiwix:8080', 'miniflux:8080'],
  ['homesvcs', 'vaultwarden:8080', 'zigbee2mqtt:8080'],
  ['secsvcs', 'gatus:8080', '192.168.21.11:8080'],
  ['homesvcs', '192.168.21.12:8123', 'homeassistant:8123'],
  ['websvcs', 'paperless:8000', 'paperless-web:8000'],
  ['websvcs', 'guacamole:8080', 'guacd:8080'],
];

for (const [on, one, other] of swapped) {
  test(`it is noticed when Traefik has ${one} and ${other} in each other's place`, () => {
    const isOne = new RegExp(`(?<=')http://(${one}|${other})(?=')`, 'g');
    const change: Change = (text) =>
      text.replace(isOne, (_, found) => `http://${found === one ? other : one}`);
    const routes = said.routes.filter(({ proxy }) => proxy === on);
    const { disagreements } = compareAll(withFile(files, traefik, on, change), said, { routes });
    const told = disagreements.map(({ oracle, files: found }) => `${oracle.answers} ${found.answers}`);
    // Of some the other name is nobody's.
    const isThere = files.get(on)!.get('/etc/opt/traefik/dynamic/home.yml')!.includes(`'http://${other}'`);
    assert.deepEqual(
      [...new Set(told)].sort(),
      [`${one} ${other}`, ...(isThere ? [`${other} ${one}`] : [])].sort(),
    );
  });
}

test('a disagreement is told with its cell, with what the manifest means, and with what each program said', () => {
  const { of, on, change } = cases['Authelia lets another group pass']!;
  const { disagreements } = compareAll(withFile(files, of, on, change), said);
  const text = tellDisagreements(disagreements.filter(({ vantage }) => vantage === 'public').slice(0, 1));
  assert.deepEqual(text.split('\n'), [
    'grafana@secsvcs × public × family: GET graph.example.net/',
    '  the manifest: denied; name outside, door secsvcs:public, app grafana:3000',
    '  the files:    in (two_factor); name outside, door secsvcs:public, app grafana:3000',
    '    HAProxy: be_secsvcs, 100.64.0.11:8443',
    '    Traefik on secsvcs: public: grafana (_anonymous > _auth) to http://grafana:3000',
    '    Authelia: two_factor for graph.example.net from 198.51.100.7: in',
  ]);
});

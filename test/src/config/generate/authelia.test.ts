import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { authelia } from '../../../../src/config/generate/authelia.ts';
import type { Doubt } from '../../../../src/config/generate/generator.ts';
import { type AutheliaRequest, readAuthelia } from '../../../support/authelia-reader.ts';
import { generateFor, homeOf } from '../../../support/compiled-home.ts';

const homelab = [
  'v: 1',
  'site: { domain: example.net }',
  'networks: { lan: { subnet: 192.168.20.0/24 } }',
  'hosts: { pve1: { network: lan, address: 192.168.20.2 } }',
  'access:',
  '  admins: { groups: admins }',
  '  family: { groups: [family, admins], policy: one_factor }',
  '  anyone: { policy: one_factor }',
  '  nobody: { groups: family, policy: deny }',
  '  here: { policy: bypass, from: lan }',
  '  desk: { groups: admins, policy: one_factor, from: [lan, 10.1.2.3] }',
  '  odd: { groups: family, policy: bypass }',
  '',
].join('\n');

/** Apps with their routes, as YAML in braces. */
type Apps = Readonly<Record<string, string>>;

function made(apps: Apps, options: object = {}, more = ''): { text: string; doubts: readonly Doubt[] } {
  const { home, findings } = homeOf({
    'homelab.yaml': homelab + more,
    'apps/authelia/app.yaml':
      'on: pve1\nservice: authelia.service\nroute: { host: auth, port: 9091, public: true }\n',
    ...Object.fromEntries(
      Object.entries(apps).map(([app, route]) => [
        `apps/${app}/app.yaml`,
        `on: pve1\nservice: ${app}.service\nroute: ${route}\n`,
      ]),
    ),
  });
  assert.deepEqual(findings, []);
  const place = { app: 'authelia', target: 'pve1' };
  const result = generateFor(authelia, 'access-control', home, place, { ...options });
  return { text: result.made.kind === 'file' ? result.made.text : '', doubts: result.doubts };
}

/** The rules of a home in which nothing is doubted. */
function decider(apps: Apps, options: object = {}): (request: AutheliaRequest) => string {
  const { text, doubts } = made(apps, options);
  assert.deepEqual(doubts, []);
  return readAuthelia(text).decide;
}

const told = (apps: Apps, options: object = {}): string[] =>
  made(apps, options).doubts.map(({ severity, code, message }) => `${severity} ${code}: ${message}`);

const family = ['family'];
const admins = ['admins'];

test('a route with an access is a rule; one without is none, and everything else is refused', () => {
  const decide = decider({
    wiki: '{ host: wiki, port: 80, access: family }',
    blog: '{ host: blog, port: 80, public: true }',
    office: '{ host: office, port: 80, access: anyone }',
  });
  const host = 'wiki.example.net';
  assert.equal(decide({ host }), 'one_factor');
  assert.equal(decide({ host, groups: family }), 'one_factor');
  assert.equal(decide({ host, groups: ['guests'] }), 'deny');
  assert.equal(decide({ host: 'office.example.net', groups: [] }), 'one_factor');
  assert.equal(decide({ host: 'blog.example.net', groups: admins }), 'deny');
  assert.equal(decide({ host: 'other.example.net', groups: admins }), 'deny');
});

test('whoever may not pass one route does not fall to a wider one of its name', () => {
  const decide = decider(
    {
      wiki: '{ host: wiki, port: 80, access: family }',
      keys: '{ host: wiki, port: 81, access: admins, when: { path: /keys } }',
      site: '{ host: "*", port: 82, access: anyone }',
    },
    { encoded_paths_refused: true },
  );
  const host = 'wiki.example.net';
  assert.equal(decide({ host, path: '/keys/a?b=c', groups: family }), 'deny');
  assert.equal(decide({ host, path: '/keys', groups: admins }), 'two_factor');
  assert.equal(decide({ host, path: '/keys' }), 'two_factor');
  assert.equal(decide({ host, path: '/a?keys', groups: family }), 'one_factor');
  assert.equal(decide({ host, groups: ['guests'] }), 'deny');
  assert.equal(decide({ host: 'any.thing.example.net', groups: ['guests'] }), 'one_factor');
});

test('networks that do not fit refuse as well', () => {
  const decide = decider(
    {
      wiki: '{ host: wiki, port: 80, access: desk, when: { path: /desk } }',
      rest: '{ host: wiki, port: 81, access: family }',
    },
    { encoded_paths_refused: true },
  );
  const host = 'wiki.example.net';
  assert.equal(decide({ host, path: '/desk', groups: admins, address: '192.168.20.9' }), 'one_factor');
  assert.equal(decide({ host, path: '/desk', groups: admins, address: '10.1.2.3' }), 'one_factor');
  assert.equal(decide({ host, path: '/desk', groups: admins, address: '10.1.2.4' }), 'deny');
});

test('an access that refuses refuses everybody', () => {
  const decide = decider({ wiki: '{ host: wiki, port: 80, access: nobody }' });
  for (const groups of [undefined, family, admins]) {
    assert.equal(decide({ host: 'wiki.example.net', ...(groups && { groups }) }), 'deny');
  }
});

test('bypass carries networks and no subject', () => {
  const { text } = made({ films: '{ host: films, port: 80, access: here }' });
  const { rules } = parse(text).access_control;
  assert.deepEqual(rules, [
    { domain: ['films.example.net'], policy: 'bypass', networks: ['192.168.20.0/24'] },
  ]);
  assert.deepEqual(told({ films: '{ host: films, port: 80, access: odd }' }), [
    'error access_unclear: the access odd asks nobody who they are, and is for family alone',
  ]);
});

test('methods and the order that routes state are kept', () => {
  const decide = decider({
    write: '{ host: wiki, port: 80, access: admins, when: { method: [POST, PUT, POST] } }',
    read: '{ host: wiki, port: 81, access: family }',
  });
  const host = 'wiki.example.net';
  assert.equal(decide({ host, method: 'POST', groups: family }), 'deny');
  assert.equal(decide({ host, method: 'GET', groups: family }), 'one_factor');
  const first = decider({
    all: '{ host: "*", port: 80, access: admins, priority: 900 }',
    wiki: '{ host: wiki, port: 81, access: family }',
  });
  assert.equal(first({ host, groups: family }), 'deny');
});

test('what only a header or a missing path tells apart is an error', () => {
  const pair = (when: string): Apps => ({
    one: `{ host: wiki, port: 80, access: admins, when: ${when} }`,
    two: '{ host: wiki, port: 81, access: family }',
  });
  const message =
    'error access_unclear: one and two share wiki.example.net, and what tells them apart is a header or a path that is left out, which Authelia does not see; different people may pass them';
  assert.deepEqual(told(pair('{ header: { X-Kind: a } }')), [message]);
  assert.deepEqual(told(pair('{ not_path: /open }')), [message]);
  // Nobody else may pass the rest, or nobody is asked there.
  assert.deepEqual(
    told({ ...pair('{ not_path: /open }'), two: '{ host: wiki, port: 81, access: admins }' }),
    [],
  );
  assert.deepEqual(told({ ...pair('{ not_path: /open }'), two: '{ host: wiki, port: 81 }' }), []);
  const bypassed = { ...pair('{ header: { X-Kind: a } }'), two: '{ host: wiki, port: 81, access: here }' };
  assert.deepEqual(told(bypassed), []);
});

test('a bypass with conditions that Authelia does not see is no rule', () => {
  const decide = decider({
    hook: '{ host: wiki, port: 80, access: here, when: { header: { X-Kind: a } } }',
    wiki: '{ host: wiki, port: 81, access: admins }',
  });
  assert.equal(decide({ host: 'wiki.example.net', address: '192.168.20.9' }), 'two_factor');
});

test('equal routes for different people are an error', () => {
  assert.deepEqual(
    told({
      one: '{ host: wiki, port: 80, access: admins, priority: 7, when: { path: /a } }',
      two: '{ host: wiki, port: 81, access: family, priority: 7 }',
    }),
    [
      'error access_unclear: one and two are equally good for some requests at wiki.example.net, and different people may pass them',
    ],
  );
});

test('paths alone between different people are doubted, until the proxies refuse encoded ones', () => {
  const apps = {
    keys: '{ host: wiki, port: 80, access: admins, when: { path: /keys } }',
    wiki: '{ host: wiki, port: 81, access: family }',
  };
  assert.match(told(apps).join(), /^warning access_by_path: keys and wiki share wiki\.example\.net/);
  // What the doubt is about: to Traefik this begins with /keys.
  const { decide } = readAuthelia(made(apps).text);
  const host = 'wiki.example.net';
  assert.equal(decide({ host, path: '/keys/..%2Fa', groups: family }), 'one_factor');
});

test('expressions hold for the path and never for the query', () => {
  const when = (path: string): Apps => ({
    keys: `{ host: wiki, port: 80, access: admins, when: { path: '${path}' } }`,
    wiki: '{ host: wiki, port: 81, access: family }',
  });
  const options = { encoded_paths_refused: true };
  const cases: readonly (readonly [path: string, fits: readonly string[], not: readonly string[]])[] = [
    ['^/a.*secret', ['/a/secret', '/asecret?x'], ['/a?secret', '/a?x/secret']],
    ['^/a[^/]*$', ['/a', '/abc', '/abc?d/e'], ['/a/b', '/a/b?']],
    ['^/(a$|b/)', ['/a', '/a?x', '/b/c'], ['/ab', '/a/']],
    ['^/(?P<User>[a-z]+)/keys', ['/anna/keys'], ['/x?/keys']],
    ['^(?i)/KEYS', ['/keys', '/Keys/a'], ['/x']],
    ['^/a\\.b|^/c\\d+\\z', ['/a.b', '/c12', '/c12?3'], ['/axb', '/c12d']],
    ['/a.b(c)', ['/a.b(c)'], ['/axb(c)']],
  ];
  for (const [path, fits, not] of cases) {
    const decide = decider(when(path), options);
    const at = (one: string): string => decide({ host: 'wiki.example.net', path: one, groups: family });
    for (const one of fits) assert.equal(at(one), 'deny', `${path} ${one}`);
    for (const one of not) assert.equal(at(one), 'one_factor', `${path} ${one}`);
  }
  for (const path of [
    '/a?b',
    '/a%2Fb',
    '/{{x}}',
    '^/a|b',
    '^/a\\?b',
    '^/a\\Wb',
    '^/a[!-~]b',
    '^/a[[:punct:]]b',
    '^/a$b',
    '^(/a$)b',
    '^/(a$)*',
    '^*/a',
    '^/a$?b',
    '^/\\pL',
    '^/(?s)a',
  ]) {
    assert.match(
      told(when(path), options).join(),
      /^error access_unclear: keys: Authelia cannot be told/,
      path,
    );
  }
});

test('rules of the owner’s own stand before and after, and nothing falls to them', () => {
  const own = { domain: ['*.example.net'], policy: 'one_factor' };
  const decide = decider(
    { wiki: '{ host: wiki, port: 80, access: family }' },
    { rules_after: [own], rules_before: [{ domain: ['api.example.net'], policy: 'bypass' }] },
  );
  assert.equal(decide({ host: 'wiki.example.net', groups: ['guests'] }), 'deny');
  assert.equal(decide({ host: 'x.example.net', groups: ['guests'] }), 'one_factor');
  assert.equal(decide({ host: 'api.example.net' }), 'bypass');
  const open = made(
    { wiki: '{ host: wiki, port: 80, access: family }' },
    { extra: { default_policy: 'one_factor' } },
  );
  assert.equal(readAuthelia(open.text).decide({ host: 'wiki.example.net', groups: ['guests'] }), 'deny');
});

test('a name in upper case falls to no wider rule', () => {
  const decide = decider({
    any: '{ host: "*", port: 80, access: family }',
    desk: '{ host: "*.desk", port: 80, access: admins }',
  });
  for (const host of ['x.desk.example.net', 'x.DESK.example.net', 'X.DESK.EXAMPLE.NET']) {
    assert.equal(decide({ host, groups: family }), 'deny', host);
    assert.equal(decide({ host, groups: admins }), 'two_factor', host);
  }
  for (const host of ['x.example.net', 'X.EXAMPLE.NET'])
    assert.equal(decide({ host, groups: family }), 'one_factor', host);
});

test('without any rule one refuses everything, for Authelia does not start with none', () => {
  assert.deepEqual(parse(made({}).text), {
    access_control: {
      default_policy: 'deny',
      rules: [{ domain: ['example.net'], domain_regex: ['(?i)^.+\\.example\\.net$'], policy: 'deny' }],
    },
  });
});

test('unknown options and networks without an address are told', () => {
  assert.deepEqual(told({}, { rules: [] }), ['error wrong_option: there is no option rules']);
  const { home } = homeOf({
    'homelab.yaml': `${homelab}  lost: { groups: admins, from: pve9 }\n`.replace(
      'hosts: {',
      'hosts: { pve9: {},',
    ),
    'apps/authelia/app.yaml': 'on: pve1\nservice: authelia.service\nroute: { host: auth, port: 9091 }\n',
    'apps/wiki/app.yaml': 'on: pve1\nservice: w.service\nroute: { host: wiki, port: 80, access: lost }\n',
  });
  const { doubts } = generateFor(authelia, 'access-control', home, { app: 'authelia', target: 'pve1' });
  assert.deepEqual(
    doubts.map(({ message }) => message),
    ['the access lost holds from pve9, of which no address is known'],
  );
});

test('it is needed where routes have an access and the clients are placed', () => {
  const homeWith = (files: string) =>
    homeOf({
      'homelab.yaml': homelab,
      'apps/authelia/app.yaml': `on: pve1\nservice: authelia.service\nroute: { host: auth, port: 9091 }\n${files}`,
      'apps/wiki/app.yaml': 'on: pve1\nservice: w.service\nroute: { host: wiki, port: 80, access: family }\n',
    }).home;
  const { needed } = authelia.outputs['access-control']!;
  const home = homeWith('files: [{ generate: authelia/clients, to: /etc/authelia/clients.yml }]\n');
  assert.deepEqual(needed(home), [{ target: 'pve1', why: 'it is asked who may pass wiki.example.net' }]);
  assert.deepEqual(needed({ ...home, routes: [] }), []);
  // Rules may be a hand's.
  assert.deepEqual(needed(homeWith('')), []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  askProxy as ask,
  box,
  doubtsOf as codesOf,
  makeProxy as make,
  proxyHome,
  readProxy as readerOf,
  tellAnswer as told,
} from '../../../support/proxy-home.ts';
import type { Tree } from '../../../support/repo-fixture.ts';
import { readTraefik } from '../../../support/traefik-reader.ts';

test('a public route is on both entry points, one for home on one, and plain HTTP is sent to TLS', () => {
  const reader = readerOf({
    ...box('graph', 'secsvcs', 'route: { host: graph, port: 3000, public: true }'),
    ...box('nas', 'secsvcs', 'route: { host: nas, port: 80, scheme: https }'),
  });
  assert.equal(ask(reader, 'graph.example.net'), 'http://graph:3000');
  assert.equal(ask(reader, 'graph.example.net', 'public'), 'http://graph:3000');
  assert.equal(ask(reader, 'nas.example.net'), 'https://nas:80');
  assert.equal(ask(reader, 'nas.example.net', 'public'), 'nothing');
  assert.equal(ask(reader, 'other.example.net'), 'nothing');
  assert.equal(told(reader.route({ entryPoint: 'http', host: 'graph.example.net' })), 'to home');
  assert.deepEqual(reader.entryPoints, {
    http: { port: 80, trusted: [] },
    home: { port: 443, trusted: [] },
    public: { port: 8443, trusted: ['100.64.0.1'] },
  });
});

test('no name in the Host header leads on the public entry point to what is for home alone', () => {
  const reader = readerOf({
    ...box('graph', 'secsvcs', 'route: { host: graph, port: 3000, public: true }'),
    ...box('nas', 'secsvcs', 'route: { host: nas, port: 80 }'),
  });
  assert.equal(ask(reader, 'graph.example.net', 'public', { host: 'nas.example.net' }), 'nothing');
});

test('what is for home alone is refused outside, not given to a wider route', () => {
  const reader = readerOf({
    ...box(
      'blog',
      'secsvcs',
      'routes:',
      '  - { host: blog, port: 80, public: true }',
      '  - { name: admin, host: blog, port: 81, access: admins, when: { path: /admin } }',
      '  - { name: any, host: "*.shop", port: 82, public: true }',
      '  - { name: desk, host: desk.shop.example.net, port: 83 }',
    ),
    ...box('far', 'websvcs', 'route: { host: far.shop.example.net, port: 84 }'),
  });
  assert.equal(ask(reader, 'blog.example.net/admin/x'), 'forwardAuth > http://blog:81');
  assert.equal(ask(reader, 'blog.example.net/admin/x', 'public'), '_refused');
  assert.equal(ask(reader, 'blog.example.net/adm', 'public'), 'http://blog:80');
  assert.equal(ask(reader, 'desk.shop.example.net', 'public'), '_refused');
  assert.equal(ask(reader, 'far.shop.example.net', 'public'), '_refused');
  assert.equal(ask(reader, 'a.b.shop.example.net', 'public'), 'http://blog:82');
  assert.equal(ask(reader, 'desk.shop.example.net'), 'http://blog:83');
});

test('access is held by asking Authelia, after headers that name a person are taken off', () => {
  const changes = {
    ...box(
      'graph',
      'secsvcs',
      'routes:',
      '  - { host: graph, port: 3000, access: admins, public: true, middlewares: [slow] }',
      '  - { name: api, host: graph, port: 3000, public: true, when: { path: /api } }',
      '  - { name: never, host: never, port: 3000, access: nobody }',
      '  - { name: open, host: open, port: 3000, access: anyone }',
    ),
  };
  const options = { middlewares: { slow: { rateLimit: { average: 5 } } } };
  const reader = readerOf(changes, 'secsvcs', options);
  const graph = reader.route({ entryPoint: 'public', sni: 'graph.example.net' });
  assert.ok(graph?.kind === 'http');
  assert.deepEqual(
    graph.middlewares.map(({ name }) => name),
    ['_anonymous', '_auth', 'slow'],
  );
  assert.deepEqual(graph.middlewares[1]!.options, {
    address: 'http://authelia:9091/api/authz/forward-auth',
    trustForwardHeader: false,
    authResponseHeaders: ['Remote-User', 'Remote-Groups', 'Remote-Email', 'Remote-Name'],
  });
  const taken = graph.middlewares[0]!.options.customRequestHeaders as Record<string, string>;
  assert.equal(taken['Remote-User'], '');
  assert.equal(taken.Remote_User, '');
  const api = reader.route({ entryPoint: 'public', sni: 'graph.example.net', path: '/api' });
  assert.deepEqual(api?.kind === 'http' && api.middlewares.map(({ name }) => name), ['_anonymous']);
  assert.equal(ask(reader, 'never.example.net'), 'forwardAuth > http://graph:3000');
  assert.equal(ask(reader, 'open.example.net'), 'http://graph:3000');
});

test('Authelia is not asked about itself, and about all else of its app', () => {
  const guarded = box(
    'authelia',
    'secsvcs',
    'routes:',
    '  - { host: auth, port: 9091, access: admins }',
    '  - { name: users, host: users, port: 17170, access: admins }',
  );
  const addresses = [
    undefined,
    'http://authelia:9091/api/verify',
    'https://auth.example.net/api/authz/forward-auth',
  ];
  for (const address of addresses) {
    const reader = readerOf(guarded, 'secsvcs', address === undefined ? {} : { forward_auth: { address } });
    assert.equal(ask(reader, 'auth.example.net'), 'http://authelia:9091');
    assert.equal(ask(reader, 'users.example.net'), 'forwardAuth > http://authelia:17170');
  }
});

test('a route that has the name of the sign-in among its names is guarded all the same', () => {
  const reader = readerOf(
    box('web', 'websvcs', 'route: { host: [auth, web], port: 80, access: admins }'),
    'websvcs',
    { forward_auth: { address: 'https://auth.example.net/api/authz/forward-auth' } },
  );
  assert.equal(ask(reader, 'web.example.net'), 'forwardAuth > http://web:80');
});

test('a route that nothing can guard is an error, and has no router', () => {
  const changes = box('web', 'websvcs', 'route: { host: web, port: 80, access: admins, public: true }');
  const { doubts, dynamicText } = make(changes, 'websvcs');
  assert.match(doubts[0]!, /^error access_unguarded: nothing on websvcs can hold the access admins of web/);
  assert.doesNotMatch(dynamicText, /web\.example\.net/);
  const told_address = {
    forward_auth: { address: 'https://auth.example.net/api/authz/forward-auth', tls: { ca: '/ca.pem' } },
  };
  const reader = readerOf(changes, 'websvcs', told_address);
  assert.equal(ask(reader, 'web.example.net'), 'forwardAuth > http://web:80');
});

test('networks of an access are judged at home, and never outside', () => {
  const changes = box(
    'nas',
    'secsvcs',
    'routes:',
    '  - { host: nas, port: 80, access: inside }',
    '  - { name: desk, host: desk, port: 80, access: desk }',
  );
  const reader = readerOf(changes);
  const nas = reader.route({ entryPoint: 'home', sni: 'nas.example.net' });
  assert.deepEqual(nas?.kind === 'http' && nas.middlewares.at(-1)!.options, {
    sourceRange: ['192.168.20.0/24'],
  });
  assert.equal(ask(reader, 'desk.example.net'), 'ipAllowList > forwardAuth > http://nas:80');
  const open = box('nas', 'secsvcs', 'route: { host: nas, port: 80, access: inside, public: true }');
  assert.deepEqual(codesOf(open), ['warning access_from_outside']);
  const { staticText, dynamicText } = make(open);
  const outside = readTraefik(staticText, dynamicText);
  assert.equal(ask(outside, 'nas.example.net'), 'ipAllowList > http://nas:80');
  assert.equal(ask(outside, 'nas.example.net', 'public'), 'nothing');
  const lost = {
    'homelab.yaml': (proxyHome['homelab.yaml'] as string).replace(
      'policy: bypass, from: lan',
      'policy: bypass, from: cloud',
    ),
  };
  assert.deepEqual(codesOf({ ...changes, ...lost }), ['error access_unguarded']);
});

test('conditions, and the order of routers that share a name', () => {
  const reader = readerOf(
    box(
      'app',
      'secsvcs',
      'routes:',
      '  - { host: app, port: 1 }',
      '  - { name: two, host: app, port: 2, when: { path: /api, not_path: [/api/x, "^/api/[0-9]+$"] } }',
      '  - { name: three, host: app, port: 3, when: { path: /api/v2 } }',
      '  - { name: four, host: app, port: 4, when: { header: { X-Kind: a, X-More: "^b+$" } } }',
      '  - { name: five, host: app, port: 5, when: { path: /put, method: [PUT, DELETE] } }',
      '  - { name: six, host: app, port: 6, when: { path: /first }, priority: 5000 }',
      '  - { name: seven, host: app, port: 7, when: { path: /first/of/all } }',
      '  - { name: any, host: "*", port: 8, priority: 1 }',
      '  - { name: low, host: [x.low.example.net, "*.low.example.net"], port: 9 }',
    ),
  );
  const port = (url: string, more: object = {}): string =>
    ask(reader, url, 'home', more).replace('http://app:', '');
  assert.equal(port('app.example.net'), '1');
  assert.equal(port('app.example.net/api/y'), '2');
  assert.equal(port('app.example.net/api/x'), '1');
  assert.equal(port('app.example.net/api/77'), '1');
  assert.equal(port('app.example.net/api/v2'), '3');
  assert.equal(port('app.example.net', { headers: { 'x-kind': 'a', 'x-more': 'bbb' } }), '4');
  assert.equal(port('app.example.net', { headers: { 'x-kind': 'a' } }), '1');
  assert.equal(port('app.example.net/put', { method: 'PUT' }), '5');
  assert.equal(port('app.example.net/put'), '1');
  assert.equal(port('app.example.net/first/of/all'), '6');
  assert.equal(port('deep.low.example.net'), '9');
  assert.equal(port('x.low.example.net'), '9');
  assert.equal(port('any.thing.example.net'), '8');
});

test('routes of which nothing says who comes first are told', () => {
  const two = (a: string, b: string): Tree =>
    box('app', 'secsvcs', 'routes:', `  - { host: app, port: 1, ${a} }`, `  - { name: two, host: ${b} }`);
  const unclear = ['warning order_unclear'];
  assert.deepEqual(
    codesOf(two('when: { method: GET }', 'app, port: 2, when: { header: { A: b } }')),
    unclear,
  );
  assert.deepEqual(codesOf(two('when: { path: "^/a" }', 'app, port: 2, when: { path: /ab }')), unclear);
  assert.deepEqual(codesOf(two('priority: 101', '"*", port: 2, priority: 101')), unclear);
  assert.deepEqual(codesOf(two('when: { method: GET }', 'app, port: 2, when: { method: PUT }')), []);
  assert.deepEqual(codesOf(two('when: { path: /a }', 'app, port: 2, when: { path: /b }')), []);
  assert.deepEqual(codesOf(two('when: { method: GET }', 'app, port: 2, entry_points: [public]')), [
    'warning home_only_exposed',
  ]);
});

test('nothing that a person writes gets out of its place in a rule', () => {
  const web = (when: string): Tree => box('web', 'secsvcs', `route: { host: web, port: 80, when: ${when} }`);
  const bad = [
    '{ path: "/a`) || PathPrefix(`/" }',
    '{ header: { "X`": y } }',
    '{ header: { X-A: "y`" } }',
    '{ path: "/a\\nb" }',
    '{ path: api }',
    '{ path: "^/(?=x)" }',
    '{ path: "^/(a)\\\\1" }',
    '{ path: "^/[" }',
    '{ path: "^/a{1001}" }',
    '{ not_path: "^/\\\\cA" }',
  ];
  for (const when of bad) {
    assert.deepEqual(codesOf(web(when)), ['error proxy_value'], when);
    assert.doesNotMatch(make(web(when)).dynamicText, /web\.example/, when);
  }
  assert.deepEqual(codesOf(web('{ path: "^/(?i:a|b)[.]/\\\\d{2,5}$", header: { X-A: "\'$y" } }')), []);
  for (const more of [
    'middlewares: [none]',
    'transport: none',
    'service: none',
    'resolver: none',
    'service: "a b@file"',
  ]) {
    const given = box('web', 'secsvcs', `route: { host: web, port: 80, ${more} }`);
    assert.deepEqual(codesOf(given), ['error proxy_value'], more);
  }
  const point = box('web', 'secsvcs', 'route: { host: web, port: 80, entry_points: [hom] }');
  assert.deepEqual(codesOf(point), ['error unknown_entry_point']);
});

test('the owner’s entry points take the place of ours, and to expose what is for home is told', () => {
  const changes = box(
    'mail',
    'secsvcs',
    'route: { host: mail, port: 993, scheme: tcp, entry_points: [imaps] }',
  );
  const reader = readerOf(changes, 'secsvcs', {
    entry_points: { imaps: { address: ':993' }, home: { http2: { maxConcurrentStreams: 9 } } },
  });
  assert.equal(ask(reader, 'mail.example.net', 'imaps'), 'mail:993');
  assert.equal(ask(reader, 'mail.example.net'), 'nothing');
  const exposed = box('mail', 'secsvcs', 'route: { host: mail, port: 80, entry_points: [public] }');
  assert.deepEqual(codesOf(exposed), ['warning home_only_exposed']);
});

test('TCP and names that are passed on unopened', () => {
  const reader = readerOf({
    ...box('own', 'secsvcs', 'route: { host: own, port: 8443, passthrough: true, public: true }'),
    ...box('mqtt', 'secsvcs', 'route: { host: "*.mqtt", port: 1883, scheme: tcp, access: inside }'),
    ...box('seen', 'secsvcs', 'route: { host: seen.mqtt.example.net, port: 80 }'),
  });
  assert.equal(ask(reader, 'own.example.net', 'public'), 'own:8443 > unopened');
  assert.equal(ask(reader, 'a.mqtt.example.net'), 'ipAllowList > mqtt:1883');
  assert.equal(ask(reader, 'a.mqtt.example.net', 'public'), 'nothing');
  assert.equal(ask(reader, 'seen.mqtt.example.net'), 'http://seen:80');
  const guarded = box(
    'own',
    'secsvcs',
    'route: { host: own, port: 8443, passthrough: true, access: admins }',
  );
  assert.deepEqual(codesOf(guarded), ['error access_unguarded']);
  const conditional = box(
    'own',
    'secsvcs',
    'route: { host: own, port: 8443, scheme: tcp, when: { path: /a } }',
  );
  assert.deepEqual(codesOf(conditional), ['error proxy_value']);
});

test('a name that TCP takes from another route is told', () => {
  const http =
    'routes: [{ host: a.own.example.net, port: 80, priority: 9 }, { name: b, host: "*.b.own.example.net", port: 81 }]';
  const changes = {
    ...box('web', 'secsvcs', http),
    ...box('own', 'secsvcs', 'route: { host: "*.own.example.net", port: 8443, passthrough: true }'),
  };
  assert.deepEqual(make(changes).doubts, [
    'error route_shadowed: own takes *.b.own.example.net unopened or as TCP, so that web does not get it',
  ]);
  const same = {
    ...changes,
    ...box('own', 'secsvcs', 'route: { host: a.own.example.net, port: 8443, passthrough: true }'),
  };
  assert.deepEqual(codesOf(same), ['error route_shadowed']);
});

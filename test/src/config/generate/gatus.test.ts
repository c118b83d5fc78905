import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { gatus } from '../../../../src/config/generate/gatus.ts';
import type { Tree } from '../../../support/repo-fixture.ts';
import { homelabWith, madeFor } from '../../../support/seen-home.ts';

/** Of YAML, whatever it holds. */
type Endpoint = ReturnType<typeof parse>;

/** A variable of the environment, as Gatus reads it. */
const variable = (name: string): string => `$\{${name}}`;

const make = (changes: Tree = {}, options: Readonly<Record<string, unknown>> = {}) => {
  const made = madeFor(gatus, 'endpoints', { app: 'gatus', target: 'secsvcs' }, changes, options);
  return { ...made, tree: parse(made.text) };
};
const endpointsOf = (changes: Tree = {}, options: Readonly<Record<string, unknown>> = {}): Endpoint[] => {
  const { tree, doubts } = make(changes, options);
  assert.deepEqual(doubts, []);
  return tree.endpoints;
};
const oneOf = (
  name: string,
  changes: Tree = {},
  options: Readonly<Record<string, unknown>> = {},
): Endpoint => {
  const found = endpointsOf(changes, options).filter((endpoint) => endpoint.name === name);
  assert.equal(found.length, 1, `${name}: ${found.length}`);
  return found[0]!;
};
const namesOf = (changes: Tree = {}): string[] =>
  endpointsOf(changes).map(({ group, name }) => `${group} ${name}`);
const app = (name: string, ...lines: readonly string[]): Tree => ({
  [`apps/${name}/app.yaml`]: [...lines, ''].join('\n'),
});

test('each name is asked, and each app without one that lets Gatus in', () => {
  assert.deepEqual(namesOf(), [
    'secsvcs postgres',
    'secsvcs status.example.net',
    'secsvcs waking.example.net',
    'websvcs git.example.net',
  ]);
});

test('an open route is asked at the health of its app, and its certificate must hold', () => {
  assert.deepEqual(oneOf('git.example.net'), {
    name: 'git.example.net',
    group: 'websvcs',
    interval: '1m',
    url: 'https://git.example.net/api/healthz',
    client: { 'ignore-redirect': true },
    conditions: ['[STATUS] == 200', '[RESPONSE_TIME] < 5000', '[CERTIFICATE_EXPIRATION] > 240h'],
    'maintenance-windows': [
      { start: '00:00', duration: '7h10m', timezone: 'Europe/Berlin' },
      { start: '23:00', duration: '1h', timezone: 'Europe/Berlin' },
    ],
  });
});

test('behind a sign-in it is the sign-in that answers', () => {
  const { url, conditions } = oneOf('status.example.net');
  assert.equal(url, 'https://status.example.net/');
  assert.equal(conditions[0], '[STATUS] == any(302, 303, 401, 403)');
});

test('an access from networks is open to Gatus if its machine is in one of them', () => {
  const films = (access: string): Tree =>
    app(
      'films',
      'on: websvcs',
      `route: { host: films, port: 80, access: ${access} }`,
      'health: { path: /ok }',
    );
  assert.equal(
    oneOf('films.example.net', films('guests')).conditions[0],
    '[STATUS] == any(302, 303, 401, 403)',
  );
  assert.equal(oneOf('films.example.net', films('neighbours')).url, 'https://films.example.net/ok');
});

test('without a health of its own, or with one at another port, anything but a fault of the server will do', () => {
  for (const health of ['', 'health: { path: /ok, port: 81 }', 'health: { path: /ok, scheme: tcp }']) {
    const { url, conditions } = oneOf(
      'web.example.net',
      app('web', 'on: secsvcs', 'route: { host: web, port: 80 }', health),
    );
    assert.deepEqual([url, conditions[0]], ['https://web.example.net/', '[STATUS] < 500']);
  }
});

test('the page of what sleeps is asked for the status that it answers with', () => {
  assert.equal(oneOf('waking.example.net').conditions[0], '[STATUS] == 503');
});

test('what is started on demand is not asked, wherever its proxy is', () => {
  const game = (line: string): Tree => app('game', line, 'route: { host: game, port: 80, via: secsvcs }');
  assert.ok(!namesOf(game('on: gaming')).includes('gaming game.example.net'));
  assert.ok(namesOf(game('on: websvcs')).includes('websvcs game.example.net'));
  const proxied = app('web', 'on: secsvcs', 'route: { host: web, port: 80, via: gaming }');
  assert.ok(!namesOf(proxied).includes('secsvcs web.example.net'));
  const onDemand = homelabWith(['mode: scheduled, awake: { from: "07:00", to: "23:00" }', 'mode: on-demand']);
  assert.ok(!namesOf(onDemand).some((name) => name.startsWith('websvcs')));
});

test('windows are those of the app’s machine and of its proxy', () => {
  const web = app('web', 'on: secsvcs', 'route: { host: web, port: 80, via: websvcs }');
  assert.equal(oneOf('web.example.net', web)['maintenance-windows'].length, 2);
  assert.equal(oneOf('waking.example.net')['maintenance-windows'], undefined);
});

test('of several routes of one name that without conditions is asked; a path alone will do', () => {
  const route = (more: string): string => `  - { name: r${more.length}, host: home, port: 80${more} }`;
  const web = (...more: readonly string[]): Tree => app('web', 'on: secsvcs', 'routes:', ...more.map(route));
  assert.equal(oneOf('home.example.net', web(', when: { path: /api }', '')).url, 'https://home.example.net/');
  assert.equal(
    oneOf('home.example.net', web(', when: { path: ["^/a.*", "/b$"] }')).url,
    'https://home.example.net/b$$',
  );
  for (const when of ['{ header: { X-A: b } }', '{ method: POST }', '{ path: "^/a" }'])
    assert.ok(!namesOf(web(`, when: ${when}`)).includes('secsvcs home.example.net'), when);
  const any = app('web', 'on: secsvcs', 'route: { host: "*", port: 80 }');
  assert.ok(!namesOf(any).some((name) => name.includes('*')));
});

test('a name that is passed on unopened is asked by TLS where its app knows no HTTP', () => {
  const vpn = (health: string): Tree =>
    app(
      'vpn',
      'on: cloud',
      'route: { host: vpn, port: 8443, public: true, passthrough: true }',
      `health: ${health}`,
    );
  const { url, conditions } = oneOf('vpn.example.net', vpn('{ scheme: tcp, port: 8443 }'));
  assert.deepEqual(
    [url, conditions],
    ['tls://vpn.example.net:443', ['[CONNECTED] == true', '[CERTIFICATE_EXPIRATION] > 240h']],
  );
  assert.equal(oneOf('vpn.example.net', vpn('{ path: /health }')).url, 'https://vpn.example.net/health');
});

test('an app is asked past its proxy where Gatus uses it, or is among those that may', () => {
  const mqtt = (ports: string): Tree =>
    app('mqtt', 'title: Broker', 'on: websvcs', `ports: [${ports}]`, 'health: { scheme: tcp, port: 8883 }');
  const isAsked = (ports: string): boolean => namesOf(mqtt(ports)).includes('websvcs mqtt');
  for (const from of ['secsvcs', 'lan', '192.168.20.11', '192.168.20.0/28'])
    assert.ok(isAsked(`{ port: 8883, from: ${JSON.stringify(from)} }`), from);
  assert.ok(isAsked('{ port: 8883 }'));
  for (const ports of [
    '',
    '{ port: 8883, from: [wifi, websvcs] }',
    '{ port: 8884 }',
    '{ port: 8883, proto: udp }',
  ])
    assert.ok(!isAsked(ports), ports);
  const { url, conditions } = oneOf('mqtt', mqtt('{ port: 8883 }'));
  assert.deepEqual([url, conditions[0]], ['tcp://192.168.20.12:8883', '[CONNECTED] == true']);
  // The container beside it by its name; a machine on the internet by its address there.
  assert.equal(oneOf('postgres').url, 'tcp://postgres:5432');
  const edge = app('edge', 'on: cloud', 'ports: [{ port: 443 }]', 'health: { scheme: tcp, port: 443 }');
  assert.equal(oneOf('edge', edge).url, 'tcp://203.0.113.10:443');
});

test('a page of its own at a port is asked as its health says, over HTTPS whoever signed it', () => {
  const node = (scheme: string): Tree =>
    app(
      'node',
      'on: websvcs',
      'ports: [{ port: 9100 }]',
      `health: { path: "/a$b", port: 9100, status: 204, scheme: ${scheme} }`,
    );
  assert.equal(oneOf('node', node('http')).url, 'http://192.168.20.12:9100/a$$b');
  assert.equal(oneOf('node', node('http')).conditions[0], '[STATUS] == 204');
  assert.deepEqual(oneOf('node', node('https')).client, { 'ignore-redirect': true, insecure: true });
});

test('a server of DNS is asked for a name of the home', () => {
  const dns = (on: string): Tree =>
    app(
      'dns',
      `on: ${on}`,
      'ports: [{ port: 53, proto: udp }, { port: 53 }]',
      'health: { scheme: tcp, port: 53 }',
      'files: [{ generate: unbound/zone, to: /etc/unbound/home.conf }]',
    );
  const { url, dns: query, conditions } = oneOf('dns', dns('secsvcs'));
  assert.deepEqual([url, query], ['192.168.20.11', { 'query-name': 'git.example.net', 'query-type': 'A' }]);
  assert.deepEqual(conditions, [
    '[DNS_RCODE] == NOERROR',
    '[BODY] == 192.168.20.12',
    '[RESPONSE_TIME] < 5000',
  ]);
  // Gatus reads no windows of such an endpoint.
  assert.equal(oneOf('dns', dns('websvcs')).url, 'tcp://192.168.20.12:53');
});

test('options say how often and how strictly, and go over what is made', () => {
  const options = {
    interval: '30s',
    slow: '500s',
    certificate: '2d',
    client: { 'dns-resolver': 'udp://192.168.20.1:53' },
    endpoints: {
      'git.example.net': { url: `https://git.example.net/${variable('PATH_OF_IT')}`, client: null },
      postgres: null,
    },
    more: [{ name: 'outside', url: 'https://example.org/', conditions: ['[STATUS] == 200'] }],
    extra: { ui: { title: 'x' } },
  };
  const { tree, doubts } = make({}, options);
  assert.deepEqual(doubts, []);
  assert.deepEqual(tree.ui, { title: 'x' });
  const [status, , git, outside] = tree.endpoints;
  assert.deepEqual(status.client, { 'ignore-redirect': true, 'dns-resolver': 'udp://192.168.20.1:53' });
  assert.deepEqual(status.conditions.slice(1), [
    '[RESPONSE_TIME] < 500000',
    '[CERTIFICATE_EXPIRATION] > 48h',
  ]);
  assert.deepEqual(
    [status.interval, git.url, git.client],
    ['30s', `https://git.example.net/${variable('PATH_OF_IT')}`, undefined],
  );
  assert.equal(outside.name, 'outside');
});

test('options that name nothing are told', () => {
  const options = { endpoints: { 'gti.example.net': {} }, tokens: { phone: 'TOKEN' } };
  assert.deepEqual(make({}, options).doubts, [
    'error unknown_channel: options.tokens: there is no channel phone',
    'error wrong_option: options.endpoints: nothing named gti.example.net is asked',
  ]);
  assert.match(
    make({}, { interval: '1y' }).doubts.join(),
    /^error wrong_option: options\.interval must be such as/,
  );
  assert.match(make({}, { every: '1m' }).doubts.join(), /^error wrong_option: there is no option every$/);
});

test('where the proxies answer at another port, that is asked; the public machine has its own', () => {
  const changes = {
    ...homelabWith('ingress: { home: 8444 }'),
    ...app(
      'edge',
      'on: cloud',
      'service: haproxy.service',
      'files: [{ generate: haproxy/config, to: /etc/haproxy.cfg }]',
    ),
    ...app('vpn', 'on: cloud', 'route: { host: vpn, port: 8443, public: true, passthrough: true }'),
  };
  assert.equal(oneOf('git.example.net', changes).url, 'https://git.example.net:8444/api/healthz');
  assert.equal(oneOf('vpn.example.net', changes).url, 'https://vpn.example.net/');
});

test('a name of the owner’s own entry points is not asked, nor TCP that lets this machine not in', () => {
  const web = (route: string): Tree => app('web', 'on: secsvcs', `route: { host: web, port: 80, ${route} }`);
  assert.ok(!namesOf(web('entry_points: [own]')).includes('secsvcs web.example.net'));
  assert.ok(!namesOf(web('scheme: tcp, access: guests')).includes('secsvcs web.example.net'));
  assert.equal(oneOf('web.example.net', web('scheme: tcp')).url, 'tls://web.example.net:443');
});

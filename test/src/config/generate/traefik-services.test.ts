import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import {
  askProxy as ask,
  box,
  doubtsOf,
  makeProxy as make,
  proxyHome,
  readProxy,
} from '../../../support/proxy-home.ts';

const web = (more: string) => box('web', 'secsvcs', `route: { host: web, port: 80, ${more} }`);
const dynamicOf = (...given: Parameters<typeof make>) => parse(make(...given).dynamicText);

test('a transport is the backend’s, and HTTP/2 without TLS is said in its URL', () => {
  const options = { transports: { private: { rootCAs: ['/ca.pem'] } } };
  const made = dynamicOf(web('scheme: https, transport: private'), 'secsvcs', options);
  assert.deepEqual(made.http.services.web.loadBalancer, {
    servers: [{ url: 'https://web:80' }],
    serversTransport: 'private',
  });
  assert.deepEqual(made.http.serversTransports, options.transports);
  assert.equal(ask(readProxy(web('scheme: h2c')), 'web.example.net'), 'h2c://web:80');
  const tcp = { extra: { tcp: { serversTransports: { proxied: { proxyProtocol: { version: 2 } } } } } };
  const mqtt = dynamicOf(web('scheme: tcp, transport: proxied'), 'secsvcs', tcp);
  assert.equal(mqtt.tcp.services.web.loadBalancer.serversTransport, 'proxied');
});

test('a service of Traefik’s own takes the place of an app', () => {
  const changes = box('web', 'secsvcs', 'route: { host: web, service: api@internal, access: admins }');
  assert.equal(ask(readProxy(changes), 'web.example.net'), 'forwardAuth > api@internal');
  assert.equal(dynamicOf(changes).http.services.web, undefined);
});

test('certificates come from the first resolver or the route’s, for wildcards by name', () => {
  const options = { resolvers: { second: { acme: {} }, first: { acme: {} } } };
  const routes = box(
    'web',
    'secsvcs',
    'routes:',
    '  - { host: web, port: 80 }',
    '  - { name: two, host: two, port: 80, resolver: first }',
    '  - { name: all, host: ["@", "*"], port: 80, priority: 1 }',
    '  - { name: own, host: own, port: 80, passthrough: true }',
  );
  const { http, tcp } = dynamicOf(routes, 'secsvcs', options);
  assert.deepEqual(http.routers.web.tls, { certResolver: 'second' });
  assert.deepEqual(http.routers.web_two.tls, { certResolver: 'first' });
  assert.deepEqual(http.routers.web_all.tls, { certResolver: 'second' });
  assert.deepEqual(http.routers['web_all+example.net'].tls, {
    certResolver: 'second',
    domains: [{ main: '*.example.net' }],
  });
  assert.deepEqual(tcp.routers.web_own.tls, { passthrough: true });
  const bare = (proxyHome['homelab.yaml'] as string).replace(/^generators.*$/m, '');
  assert.deepEqual(doubtsOf({ 'homelab.yaml': bare }), ['warning no_certificate']);
  const files = { extra: { tls: { certificates: [{ certFile: '/a', keyFile: '/b' }] } } };
  assert.deepEqual(doubtsOf({ 'homelab.yaml': bare }, 'secsvcs', files), []);
});

test('TLS begins at 1.2 and with a name that is known, until the owner says more', () => {
  assert.deepEqual(dynamicOf({}).tls.options, { default: { minVersion: 'VersionTLS12', sniStrict: true } });
  const options = {
    tls_options: { default: { minVersion: 'VersionTLS13' }, old: { minVersion: 'VersionTLS10' } },
  };
  assert.deepEqual(dynamicOf({}, 'secsvcs', options).tls.options, {
    default: { minVersion: 'VersionTLS13', sniStrict: true },
    old: { minVersion: 'VersionTLS10' },
  });
});

test('what Authelia is shown and tells is the owner’s to say', () => {
  const forward_auth = { request_headers: ['Cookie'], response_headers: ['X-Who'], tls: { ca: '/ca.pem' } };
  const { middlewares } = dynamicOf(web('access: family'), 'secsvcs', { forward_auth }).http;
  assert.deepEqual(middlewares._auth.forwardAuth, {
    address: 'http://authelia:9091/api/authz/forward-auth',
    trustForwardHeader: false,
    authResponseHeaders: ['X-Who'],
    authRequestHeaders: ['Cookie'],
    tls: { ca: '/ca.pem' },
  });
  assert.deepEqual(middlewares._anonymous.headers.customRequestHeaders, { 'X-Who': '', X_Who: '' });
  const secure = box('authelia', 'secsvcs', 'route: { host: auth, port: 9091, scheme: https }');
  const made = dynamicOf({ ...web('access: family'), ...secure });
  assert.equal(
    made.http.middlewares._auth.forwardAuth.address,
    'https://authelia:9091/api/authz/forward-auth',
  );
});

test('traefik.yml says where the rest is, and sends nothing to anybody', () => {
  const known = parse(make({}).staticText);
  assert.deepEqual(known.global, { checkNewVersion: false, sendAnonymousUsage: false });
  assert.deepEqual(known.providers, { file: { directory: '/etc/traefik/dynamic/', watch: true } });
  assert.deepEqual([known.api, known.ping, known.accessLog], [undefined, undefined, undefined]);
  const { providers } = parse(make({}, 'secsvcs', { dynamic: '/etc/traefik/home.yml' }).staticText);
  assert.deepEqual(providers, { file: { filename: '/etc/traefik/home.yml', watch: true } });
  const alone = (proxyHome['homelab.yaml'] as string).replace(
    'ingress: { from: cloud }',
    'ingress: { public: 9443 }',
  );
  const { entryPoints } = parse(make({ 'homelab.yaml': alone }).staticText);
  assert.deepEqual(entryPoints.public, { address: ':9443' });
});

test('texts that YAML could read as something else stay texts', () => {
  const { dynamicText } = make(web('when: { header: { X-A: "yes", X-B: "1_000" } }'), 'secsvcs', {
    middlewares: { on: { headers: { customRequestHeaders: { 'X-C': '0o17', 'X-D': '12:30', 'X-E': '~' } } } },
  });
  for (const text of ["'0o17'", "'12:30'", "'~'", 'Header(`X-B`, `1_000`)'])
    assert.ok(dynamicText.includes(text), text);
});

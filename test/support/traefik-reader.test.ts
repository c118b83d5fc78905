import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { readTraefik } from './traefik-reader.ts';
import { readRule } from './traefik-rule.ts';

const known = { entryPoints: { home: { address: ':443' } } };
const read = (dynamic: object, more: object = {}) =>
  readTraefik(stringify({ ...known, ...more }), stringify(dynamic));
const router = { entryPoints: ['home'], rule: 'Host(`a`)', service: 's', tls: {} };
const services = { s: { loadBalancer: { servers: [{ url: 'http://s' }] } } };

test('what Traefik would not read is refused', () => {
  const http = (more: object, others: object = {}) => ({
    http: { routers: { r: { ...router, ...more } }, services, ...others },
  });
  assert.ok(read(http({})));
  const cases: readonly (readonly [RegExp, object, object?])[] = [
    [/http\.routers\.r\.rules: there is no such key/, http({ rules: 'x' })],
    [/http\.middlewares: is there and empty/, http({}, { middlewares: {} })],
    [/priority: is no whole number/, http({ priority: '1' })],
    [/there is no entry point away/, http({ entryPoints: ['away'] })],
    [/there is no middleware m/, http({ middlewares: ['m'] })],
    [/there is no service t/, http({ service: 't' })],
    [/there is no resolver x/, http({ tls: { certResolver: 'x' } })],
    [/there is no TLS option x/, http({ tls: { options: 'x' } })],
    [/there is no transport x/, { http: { services: { s: { loadBalancer: { serversTransport: 'x' } } } } }],
    [
      /no health check/,
      { http: { services: { ...services, f: { failover: { service: 's', fallback: 's' } } } } },
    ],
    [/the rule Host\(`a`\) x has more/, http({ rule: 'Host(`a`) x' })],
    [/entryPoints\.home\.port: there is no such key/, http({}), { entryPoints: { home: { port: 1 } } }],
  ];
  for (const [expected, dynamic, more] of cases) assert.throws(() => read(dynamic, more), expected);
});

test('rules are read strictly, and and goes before or', () => {
  const holds = (rule: string, path: string, method = 'GET'): boolean =>
    readRule(rule, 'http').holds({ host: 'A.example', path, method, headers: { 'x-a': 'b' } });
  assert.ok(holds('Host(`a.example`)', '/'));
  assert.ok(holds('Path(`/a`) || Path(`/b`) && Method(`PUT`)', '/a'));
  assert.ok(!holds('(Path(`/a`) || Path(`/b`)) && Method(`PUT`)', '/a'));
  assert.ok(holds('!(Path(`/a`) || Path(`/b`))', '/c'));
  assert.ok(holds('Header(`X-A`, `b`) && HeaderRegexp(`X-A`, `^B$`) || PathRegexp(`(?i)^/A$`)', '/a'));
  assert.ok(holds('PathPrefix(`/a`)', '/ab'));
  for (const bad of [
    '',
    'Host(a)',
    'Host("a")',
    'Host(`a`, `b`)',
    'host(`a`)',
    'Path(`a`)',
    '(Host(`a`)',
    'Host(`a`) Host(`b`)',
    'HostSNI(`a`)',
    'Host(`a`) && ',
  ]) {
    assert.throws(() => readRule(bad, 'http'), Error, bad);
  }
});

test('who answers: the higher priority, else the longer rule; TLS or not; whole names before TCP', () => {
  const tcp = (rule: string) => ({
    routers: { t: { entryPoints: ['home'], rule, service: 's', tls: { passthrough: true } } },
    services: { s: { loadBalancer: { servers: [{ address: 's:1' }] } } },
  });
  const routers = {
    short: { ...router },
    long: { ...router, rule: 'Host(`a`) && PathPrefix(`/`)' },
    plain: { entryPoints: ['home'], rule: 'Host(`a`)', service: 's' },
  };
  const of = (dynamic: object, sni?: string) => {
    const answer = read(dynamic).route({ entryPoint: 'home', host: 'a', ...(sni !== undefined && { sni }) });
    return answer === null || answer.kind === 'redirect' ? null : answer.router;
  };
  assert.equal(of({ http: { routers, services } }, 'a'), 'long');
  assert.equal(
    of({ http: { routers: { ...routers, short: { ...router, priority: 99 } }, services } }, 'a'),
    'short',
  );
  assert.equal(of({ http: { routers, services } }), 'plain');
  assert.equal(of({ http: { routers, services }, tcp: tcp('HostSNI(`a`)') }, 'a'), 'long');
  const wild = { ...router, rule: 'HostRegexp(`^a$`)' };
  assert.equal(of({ http: { routers: { wild }, services }, tcp: tcp('HostSNI(`a`)') }, 'a'), 't');
  assert.equal(of({ http: { routers, services } }, 'b'), 'long');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { readTraefik } from '../support/traefik-reader.ts';
import { dynamicShape, faultsOf, staticShape } from '../support/traefik-shape.ts';
import { buildExample, filesOf } from './example.ts';

const { release, home, findings } = await buildExample();
assert.ok(release !== undefined && home !== undefined, JSON.stringify(findings));
const machines = ['homesvcs', 'secsvcs', 'websvcs'] as const;

const textsOf = (target: string): readonly [string, string] => {
  const files = filesOf(release, target);
  return [files.get('/etc/opt/traefik/traefik.yml')!, files.get('/etc/opt/traefik/dynamic/home.yml')!];
};
const proxies = new Map(machines.map((target) => [target, readTraefik(...textsOf(target))]));

/** Where a request ends: the address of a server, or null where nobody answers. */
function serverAt(
  target: (typeof machines)[number],
  entryPoint: string,
  name: string,
  path = '/',
): string | null {
  const sni = name.includes('.') ? name : `${name}.example.net`;
  const answer = proxies.get(target)!.route({ entryPoint, sni, path, method: 'GET' });
  return answer === null || answer.kind === 'redirect' ? null : (answer.servers[0] ?? null);
}

test('each proxy’s files have the shape that Traefik reads', () => {
  for (const target of machines) {
    const [fixed, dynamic] = textsOf(target);
    assert.deepEqual(faultsOf(parse(fixed), staticShape), [], target);
    assert.deepEqual(faultsOf(parse(dynamic), dynamicShape), [], target);
  }
});

test('a public name is answered on both entry points, a name of the home on its own alone', () => {
  for (const route of home.routes) {
    if (route.passthrough || route.service !== undefined) continue;
    const target = route.proxy as (typeof machines)[number];
    const path = route.when?.path?.[0] ?? '/';
    for (const host of route.hosts) {
      assert.notEqual(serverAt(target, 'home', host, path), null, `${host}${path}`);
      assert.equal(serverAt(target, 'public', host, path) !== null, route.public, `${host}${path}`);
    }
  }
});

test('requests end where the apps are', () => {
  assert.equal(serverAt('secsvcs', 'public', 'graph'), 'http://grafana:3000');
  assert.equal(serverAt('secsvcs', 'home', 'pve1'), 'https://192.168.20.2:8006');
  assert.equal(serverAt('homesvcs', 'home', 'home'), 'http://192.168.21.12:8123');
  assert.equal(serverAt('websvcs', 'home', 'films'), 'http://jellyfin:8096');
  assert.equal(serverAt('websvcs', 'home', 'papers'), 'http://paperless:8000', 'a pod, by its own name');
  assert.equal(serverAt('websvcs', 'public', 'desk'), 'http://guacamole:8080', 'one container of several');
  assert.equal(serverAt('websvcs', 'public', 'example.net'), 'http://website:8080', 'the domain itself');
});

test('the page of what sleeps answers for the tower’s public names, and for no other', () => {
  assert.equal(serverAt('secsvcs', 'public', 'git'), 'http://waking:8080');
  assert.equal(serverAt('secsvcs', 'public', 'films'), null);
  assert.equal(serverAt('secsvcs', 'public', 'unheard-of'), null);
});

test('a path for the home alone is refused on a public name', () => {
  const at = (path: string) => serverAt('homesvcs', 'public', 'vault', path);
  assert.deepEqual(['/', '/api/sync', '/admin', '/admin/users'].map(at), [
    'http://vaultwarden:8080',
    'http://vaultwarden:8080',
    null,
    null,
  ]);
});

test('who brings what it measured comes to one path, and is known by its address', () => {
  const ways = ['/api/v1/write', '/api/v1/query'].map((path) => {
    const request = { entryPoint: 'home', sni: 'metrics.example.net', path, method: 'POST' };
    const answer = proxies.get('secsvcs')!.route(request);
    assert.ok(answer?.kind === 'http');
    return answer.middlewares.map(({ kind }) => kind);
  });
  assert.deepEqual([ways[0]!.includes('ipAllowList'), ways[0]!.includes('forwardAuth')], [true, false]);
  assert.deepEqual([ways[1]!.includes('ipAllowList'), ways[1]!.includes('forwardAuth')], [false, true]);
  assert.equal(serverAt('secsvcs', 'public', 'metrics', '/api/v1/write'), null);
});

test('who passes is asked first, but where an app asks for its own token', () => {
  const asks = (path: string): boolean => {
    const request = { entryPoint: 'public', sni: 'home.example.net', path, method: 'GET' };
    const answer = proxies.get('homesvcs')!.route(request);
    assert.ok(answer?.kind === 'http');
    return answer.middlewares.some(({ kind }) => kind === 'forwardAuth');
  };
  assert.deepEqual(['/', '/api/states', '/auth/token', '/api/hassio/x'].map(asks), [
    true,
    false,
    false,
    true,
  ]);
});

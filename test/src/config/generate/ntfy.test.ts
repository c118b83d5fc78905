import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { ntfy } from '../../../../src/config/generate/ntfy.ts';
import { generateFor } from '../../../support/compiled-home.ts';
import { buildTree } from '../../../support/repo-fixture.ts';
import { watched, watchedHome } from '../../../support/watched-home.ts';

const place = { app: 'ring', target: 'secsvcs' };
const app = (more = 'route: { host: ring, port: 8000 }\n') => ({
  'apps/ring/app.yaml': `on: secsvcs
units: [ring.container]
files: [{ generate: ntfy/server, to: /etc/opt/ring/server.yml }]
secrets:
  anna_password:
  anna_hash: { from: anna_password, as: bcrypt }
  hook_token:
  hook_hash: { from: hook_token, as: bcrypt }
${more}`,
  'apps/ring/ring.container':
    '[Container]\nImage=docker.io/library/x:1\nContainerName=ring\nVolume=/etc/opt/ring:/etc/ntfy:ro\n',
});

function made(options: object = {}, changes = app()) {
  const { home } = watched(changes);
  const { made: output, doubts } = generateFor(ntfy, 'server', home, place, { ...options });
  assert.ok(output.kind === 'file');
  return { server: parse(output.text) as Record<string, unknown>, doubts };
}

const users = {
  hook: { password_hash: 'hook_hash', token: 'hook_token', access: { home: 'write-only', 'up*': 'deny' } },
  anna: { password_hash: 'anna_hash', role: 'admin' },
};

test('the server is where its route leads, behind the proxy, and closed', () => {
  const { server, doubts } = made();
  assert.deepEqual(doubts, []);
  assert.deepEqual(server, {
    'base-url': 'https://ring.example.net',
    'listen-http': ':8000',
    'behind-proxy': true,
    'cache-file': '/var/cache/ntfy/cache.db',
    'cache-duration': '12h',
    'auth-file': '/var/lib/ntfy/user.db',
    'auth-default-access': 'deny-all',
    'enable-login': true,
  });
});

test('users, access and tokens are those of the options, and secrets stand as their placeholders', () => {
  const { server, doubts } = made({ users, anonymous: { weather: 'read-only' } });
  assert.deepEqual(doubts, []);
  assert.deepEqual(server['auth-users'], [
    'anna:~writ:secret:anna_hash~:admin',
    'hook:~writ:secret:hook_hash~:user',
  ]);
  assert.deepEqual(server['auth-access'], ['*:weather:read-only', 'hook:home:write-only', 'hook:up*:deny']);
  assert.deepEqual(server['auth-tokens'], ['hook:~writ:secret:hook_token~']);
});

test('what the owner adds is merged over it', () => {
  const { server } = made({
    listen: '127.0.0.1:80',
    cache: '3h',
    extra: { 'enable-login': null, 'upstream-base-url': 'https://ntfy.sh', 'web-root': "it's: {no}\n#" },
  });
  assert.deepEqual(
    [server['listen-http'], server['cache-duration'], server['web-root'], 'enable-login' in server],
    ['127.0.0.1:80', '3h', "it's: {no}\n#", false],
  );
});

test('without a route, with secrets that are not listed, and with names that ntfy cannot have, it is refused', () => {
  const codes = (options: object, changes = app()): string[] =>
    made(options, changes).doubts.map(({ code, message }) => `${code}: ${message}`);
  assert.deepEqual(codes({}, app('')), [
    'route_port_missing: ring has no route on secsvcs, and ntfy must know its own address',
  ]);
  assert.deepEqual(codes({ users: { bob: { password_hash: 'bob_hash' } } }), [
    'secret_undeclared: options name the secret bob_hash, which ring does not list',
  ]);
  for (const wrong of [
    { users: { 'a:b': { password_hash: 'anna_hash' } } },
    { users: { a: { password_hash: 'anna_hash', access: { 'x:y': 'deny' } } } },
    { users: { a: { password_hash: 'anna_hash', access: { x: 'all' } } } },
    { anonymous: { 'a b': 'read-only' } },
  ]) {
    assert.deepEqual(
      made(wrong).doubts.map(({ code }) => code),
      ['wrong_option'],
      JSON.stringify(wrong),
    );
  }
});

test('in a release the file names its secrets, and is mounted by itself', async () => {
  const options = `options: { users: ${JSON.stringify(users)} } }]`;
  const tree = app();
  const { release, findings } = await buildTree({
    ...watchedHome,
    ...tree,
    'apps/ring/app.yaml': tree['apps/ring/app.yaml'].replace('server.yml }]', `server.yml, ${options}`),
  });
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'error'),
    [],
  );
  const { files } = release!.manifest.parts.find(({ target }) => target === 'secsvcs')!;
  const server = files.find(({ path }) => path === '/etc/opt/ring/server.yml')!;
  assert.deepEqual(server.secrets, ['anna_hash', 'hook_hash', 'hook_token']);
  assert.ok(files.some(({ path }) => path.endsWith('/ring.container.d/90-writ-secrets.conf')));
});

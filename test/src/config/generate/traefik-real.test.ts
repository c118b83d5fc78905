import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { traefik } from '../../../../src/config/generate/traefik.ts';
import { makeCertificate } from '../../../../src/node/certificate.ts';
import { generateFor, homeOf } from '../../../support/compiled-home.ts';
import { missing } from '../../../support/missing.ts';
import { askTls, findTraefik, freePort, startTraefik } from '../../../support/traefik-program.ts';
import { readTraefik } from '../../../support/traefik-reader.ts';

const version = findTraefik();
if (version === null) missing('Traefik, which the reader of its files is held against');

/** What a request brought to an app, as the app tells it. */
type Seen = { readonly app: string; readonly headers: Readonly<Record<string, string>> };

/** A backend that tells what it was asked. */
async function backend(t: TestContext, app: string, tls?: { key: string; cert: string }): Promise<number> {
  const tell = (request: IncomingMessage): string => JSON.stringify({ app, headers: request.headers });
  const answer: Parameters<typeof createServer>[1] = (request, response) => {
    if (app === 'authelia' && request.url?.startsWith('/api/authz/')) {
      const known = request.headers.cookie === 'who=alice';
      response.writeHead(
        known ? 200 : 401,
        known ? { 'Remote-User': 'alice', From: request.headers['x-forwarded-for']! } : {},
      );
      response.end();
    } else response.end(tell(request));
  };
  const server = tls === undefined ? createServer(answer) : createSecure(tls, answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as { port: number }).port;
}

const names = [
  'auth',
  'blog',
  'nas',
  'own',
  'film',
  'page',
  'inside',
  'office',
  'a.shop',
  'desk.shop',
  'none',
].map((name) => `${name}.example.net`);

if (version !== null) {
  test(`Traefik ${version} answers as the reader says, and says nothing against its files`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'writ-traefik-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const { keyPem, certificatePem } = await makeCertificate(names, new Date());
    const apps = [
      'authelia',
      'blog',
      'admin',
      'nas',
      'own',
      'film',
      'page',
      'inside',
      'office',
      'shop',
      'desk',
    ];
    const ports = new Map<string, number>();
    for (const app of apps)
      ports.set(
        app,
        await backend(t, app, app === 'own' ? { key: keyPem, cert: certificatePem } : undefined),
      );
    const [http, home, outside] = [await freePort(), await freePort(), await freePort()];
    const route = (app: string, more: string, on = 'pve1', lines = ''): Record<string, string> => ({
      [`apps/${app}/app.yaml`]: `on: ${on}\nservice: ${app}.service\n${lines}route: { port: ${ports.get(app)}, ${more} }\n`,
    });
    const { home: model, findings } = homeOf({
      'homelab.yaml': [
        'v: 1',
        'site: { domain: example.net }',
        'hosts:',
        '  pve1: {}',
        '  pve2: { sleeps: true, mac: "02:00:00:00:00:01", wake_via: pve1, wake_address: 127.0.0.1 }',
        'access:',
        '  admins: { groups: admins }',
        '  here: { policy: bypass, from: 127.0.0.0/8 }',
        '  there: { policy: bypass, from: 203.0.113.0/24 }',
        `ingress: { from: 127.0.0.1, http: ${http}, home: ${home}, public: ${outside} }`,
        '',
      ].join('\n'),
      'apps/traefik/app.yaml':
        'on: pve1\nservice: traefik.service\nfiles:\n  - { generate: traefik/dynamic, to: /etc/traefik/home.yml }\n',
      ...route('authelia', 'host: auth, public: true'),
      ...route('blog', 'host: blog, public: true'),
      ...route('admin', 'host: blog, access: admins, when: { path: /admin, not_path: /admin/open }'),
      ...route('nas', 'host: nas, access: admins'),
      ...route('own', 'host: own, passthrough: true, public: true'),
      ...route('film', 'host: film, public: true', 'pve2'),
      ...route('page', 'host: page, waking: true'),
      ...route('inside', 'host: inside, access: here, public: true'),
      ...route('office', 'host: office, access: there'),
      ...route('shop', 'host: "*.shop", public: true, when: { header: { X-Kind: a } }'),
      ...route('desk', 'host: desk.shop.example.net'),
    });
    assert.deepEqual(findings, []);
    writeFileSync(join(folder, 'cert.pem'), certificatePem);
    writeFileSync(join(folder, 'key.pem'), keyPem);
    mkdirSync(join(folder, 'dynamic'));
    const loopback = { http, home, public: outside };
    const options = {
      dynamic: `${folder}/dynamic/`,
      log: 'WARN',
      entry_points: Object.fromEntries(
        Object.entries(loopback).map(([name, port]) => [name, { address: `127.0.0.1:${port}` }]),
      ),
      extra: { tls: { certificates: [{ certFile: `${folder}/cert.pem`, keyFile: `${folder}/key.pem` }] } },
    };
    const texts = ['static', 'dynamic'].map((output) => {
      const { made } = generateFor(traefik, output, model, { app: 'traefik', target: 'pve1' }, options);
      return made.kind === 'file' ? made.text : '';
    });
    writeFileSync(join(folder, 'traefik.yml'), texts[0]!);
    writeFileSync(join(folder, 'dynamic/home.yml'), texts[1]!);
    const reader = readTraefik(texts[0]!, texts[1]!);
    const program = startTraefik(join(folder, 'traefik.yml'));
    t.after(async () => {
      program.child.kill('SIGTERM');
      if (program.child.exitCode === null) await once(program.child, 'exit');
    });
    const ask = (entryPoint: 'home' | 'public', sni: string, more: object = {}) =>
      askTls({
        port: loopback[entryPoint],
        sni,
        ca: certificatePem,
        ...(entryPoint === 'public' && { proxied: '203.0.113.7' }),
        ...more,
      });
    const deadline = AbortSignal.timeout(30_000);
    while ((await ask('home', names[0]!))?.status !== 200) {
      assert.ok(!deadline.aborted && program.child.exitCode === null, program.log());
    }

    const appAt = (server: string): string => [...ports].find(([, port]) => server.endsWith(`:${port}`))![0];
    let compared = 0;
    for (const entryPoint of ['home', 'public'] as const) {
      for (const sni of names) {
        for (const path of ['/', '/admin/x', '/admin/open']) {
          for (const headers of [
            {},
            { 'X-Kind': 'a' },
            { Cookie: 'who=alice', 'Remote-User': 'eve', Remote_User: 'eve' },
          ]) {
            const expected = reader.route({ entryPoint, sni, path, headers });
            const answer = await ask(entryPoint, sni, { path, headers });
            const where = JSON.stringify({ entryPoint, sni, path, headers, answer, expected });
            compared += 1;
            if (expected === null || expected.kind === 'redirect') {
              assert.ok(answer === null || answer.status === 404, where);
              continue;
            }
            const kinds = expected.middlewares.map(({ kind }) => kind);
            if (expected.servers.length === 0) assert.equal(answer?.status, 503, where);
            else if (kinds.includes('ipAllowList') && sni.startsWith('office'))
              assert.equal(answer?.status, 403, where);
            else if (kinds.includes('forwardAuth') && !('Cookie' in headers))
              assert.equal(answer?.status, 401, where);
            else {
              assert.equal(answer?.status, 200, where);
              const seen = JSON.parse(answer.body.replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, '')) as Seen;
              assert.equal(seen.app, appAt(expected.servers[0]!), where);
              if (expected.kind === 'tcp') continue;
              assert.equal(
                seen.headers['remote-user'],
                kinds.includes('forwardAuth') ? 'alice' : undefined,
                where,
              );
              assert.equal(seen.headers.remote_user, undefined, where);
              assert.equal(
                seen.headers['x-forwarded-for'],
                entryPoint === 'public' ? '203.0.113.7' : '127.0.0.1',
              );
            }
          }
        }
      }
    }
    assert.equal(compared, 2 * names.length * 9);
    // A name in the Host header alone leads nowhere else than by itself.
    assert.equal((await ask('public', 'blog.example.net', { host: 'nas.example.net' }))?.status, 404);
    assert.equal((await ask('public', 'blog.example.net', { path: '/%61dmin/x' }))?.status, 503);
    assert.equal((await ask('public', 'blog.example.net', { path: '/y/../admin/x' }))?.status, 503);
    assert.doesNotMatch(program.log(), /ERR|level=error|panic/, program.log());
  });
}

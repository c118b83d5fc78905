import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { homeWith } from '../../../support/container-home.ts';
import { box, proxyHome } from '../../../support/proxy-home.ts';
import { buildTree, type Tree } from '../../../support/repo-fixture.ts';

const web = box('web', 'secsvcs', 'route: { host: web, port: 80, access: admins }');
const homelab = proxyHome['homelab.yaml'] as string;

/** A file of a release, as text. */
async function fileOf(tree: Tree, path: string): Promise<string> {
  const { release, findings } = await buildTree(tree);
  assert.ok(release !== undefined, JSON.stringify(findings));
  const file = release.manifest.parts.flatMap(({ files }) => files).find((one) => one.path === path)!;
  return new TextDecoder().decode(release.blobs.get(file.digest));
}

const codesOf = async (tree: Tree): Promise<string[]> =>
  (await buildTree(tree)).findings.map(({ file, line, code }) => `${file}:${line} ${code}`);

const dynamic = '/etc/opt/traefik/dynamic/home.yml';

test('the whole home builds, and says which app.yaml asked for a file', async () => {
  assert.deepEqual(await codesOf({ ...proxyHome, ...web }), []);
  const text = await fileOf({ ...proxyHome, ...web }, dynamic);
  assert.match(text, /^# Made by Writ for apps\/traefik\/app\.yaml \(generate: traefik\/dynamic\); .*\n/);
  assert.ok(text.endsWith('\n'));
});

test('options of a place go over those of homelab.yaml, and extra goes over what is made', async () => {
  const app = (proxyHome['apps/traefik/app.yaml'] as string)
    .replace(
      'traefik.yml }',
      'traefik.yml, options: { log: ERROR, extra_static: { api: {}, global: null } } }',
    )
    .replace(
      'on_change: none',
      'on_change: none, options: { extra: { http: { routers: { web: { priority: 7, tls: null } } }, udp: { routers: { a: {} } } } }',
    );
  const tree = { ...proxyHome, ...web, 'apps/traefik/app.yaml': app };
  const known = parse(await fileOf(tree, '/etc/opt/traefik/traefik.yml'));
  assert.deepEqual([known.log, known.api, known.global], [{ level: 'ERROR' }, {}, undefined]);
  assert.deepEqual(Object.keys(known.certificatesResolvers), ['dns']);
  const made = parse(await fileOf(tree, dynamic));
  assert.deepEqual([made.http.routers.web.priority, made.http.routers.web.tls], [7, undefined]);
  assert.equal(made.http.routers.web.service, 'web');
  assert.deepEqual(made.udp, { routers: { a: {} } });
});

test('an option that is none is told where it is asked for', async () => {
  const app = (proxyHome['apps/traefik/app.yaml'] as string).replace(
    'on_change: none',
    'on_change: none, options: { middleware: {}, middlewares: { _auth: {} }, log: LOUD }',
  );
  const { findings } = await buildTree({ ...proxyHome, 'apps/traefik/app.yaml': app });
  assert.deepEqual(
    findings.map(({ file, line, code, suggestion }) => [`${file}:${line}`, code, suggestion]),
    [
      ['apps/traefik/app.yaml:5', 'wrong_option', undefined],
      ['apps/traefik/app.yaml:5', 'wrong_option', undefined],
      ['apps/traefik/app.yaml:5', 'wrong_option', 'Did you mean middlewares?'],
    ],
  );
});

test('an address that leads nowhere is told', async () => {
  for (const address of [
    'auth',
    'http://auth',
    'http://auth:99999/x',
    'ftp://auth/x',
    'https://user@auth/x',
  ]) {
    const app = (proxyHome['apps/traefik/app.yaml'] as string).replace(
      'on_change: none',
      `on_change: none, options: { forward_auth: { address: "${address}" } }`,
    );
    assert.deepEqual(
      await codesOf({ ...proxyHome, 'apps/traefik/app.yaml': app }),
      ['apps/traefik/app.yaml:5 wrong_option'],
      address,
    );
  }
});

test('a doubt is told where its route stands', async () => {
  const wrong = box('web', 'secsvcs', 'route: { host: web, port: 80, resolver: dnss }');
  const { findings } = await buildTree({ ...proxyHome, ...wrong });
  assert.deepEqual(
    findings.map(({ file, line, message }) => `${file}:${line} ${message}`),
    ['apps/web/app.yaml:3 web: there is no resolver dnss in the options of Traefik. Did you mean dns?'],
  );
});

test('a generator that is turned off asks for no place, and is given none', async () => {
  const off = homelab.replace('traefik: {', 'traefik: { on: false,');
  const placed = await codesOf({ ...proxyHome, 'homelab.yaml': off });
  assert.equal(placed.filter((one) => one.endsWith(' generator_off')).length, 4);
  const bare = box('traefik', 'secsvcs');
  assert.deepEqual(await codesOf({ ...proxyHome, ...web, ...bare, ...box('traefik-web', 'websvcs') }), [
    'homelab.yaml:10 generator_unplaced',
  ]);
  const none = { ...proxyHome, ...web, ...bare, ...box('traefik-web', 'websvcs'), 'homelab.yaml': off };
  assert.deepEqual(await codesOf(none), []);
});

test('a template of the owner stands in place of an output, and is given it', async () => {
  const template = '{{ generated | replace("VersionTLS12", "VersionTLS13") }}# {{ target.name }}\n';
  const tree = { ...proxyHome, ...web, 'generate/traefik/dynamic.j2': template };
  const made = await fileOf(tree, dynamic);
  assert.match(made, /minVersion: 'VersionTLS13'[\s\S]*# secsvcs\n$/);
  const alone = {
    ...tree,
    'homelab.yaml': homelab.replace('traefik: {', 'traefik: { on: false,'),
    'generate/traefik/dynamic.j2': 'all mine\n',
    'generate/traefik/static.j2': 'mine, too\n',
  };
  assert.equal(await fileOf(alone, dynamic), 'all mine\n');
});

test('versions that were not checked are told', async () => {
  const of = async (version: string): Promise<string[]> =>
    codesOf({
      ...proxyHome,
      'homelab.yaml': homelab.replace('traefik: {', `traefik: { version: "${version}",`),
    });
  assert.deepEqual(await of('3.7.9'), []);
  assert.deepEqual(await of('3.4.1'), []);
  assert.deepEqual(await of('3.8'), ['homelab.yaml:20 upstream_unchecked']);
  assert.deepEqual(await of('2.11'), ['homelab.yaml:20 upstream_unchecked']);
});

test('networks are wanted where containers are stated and something runs', async () => {
  const bare = { ...homeWith(), 'apps/base/app.yaml': 'on: web\nservice: base.service\n' };
  assert.deepEqual(await codesOf(bare), []);
  assert.deepEqual(await codesOf({ ...bare, ...box('one', 'web') }), ['homelab.yaml:7 generator_unplaced']);
});

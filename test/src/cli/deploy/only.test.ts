import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReleasePart } from '../../../../schema/wire/release.ts';
import { mergeApps, readOnly } from '../../../../src/cli/deploy/only.ts';
import { startDesk } from '../../../support/deploy-desk.ts';

const partOf = (desk: Awaited<ReturnType<typeof startDesk>>, target: string): ReleasePart => {
  const { digest } = desk.deployments[0]!.order.parts.find((one) => one.target === target)!;
  return JSON.parse(new TextDecoder().decode(desk.blobs.get(digest))) as ReleasePart;
};
const filesOf = (desk: Awaited<ReturnType<typeof startDesk>>, part: ReleasePart): Record<string, string> =>
  Object.fromEntries(
    part.files.map(({ path, digest }) => [path, new TextDecoder().decode(desk.blobs.get(digest))]),
  );

test('--only TARGET brings one target, and the release stays the one that was built', async (t) => {
  const desk = await startDesk(t);
  const built = await desk.writ(['config', 'build', '--repo', desk.repo, '--json']);
  assert.equal((await desk.deploy('--only', 'websvcs')).exit, 0);
  const { order } = desk.deployments[0]!;
  assert.deepEqual(
    order.parts.map(({ target }) => target),
    ['websvcs'],
  );
  assert.equal(order.release, (JSON.parse(built.out) as { digest: string }).digest);
});

test('--only APP changes that app, and keeps the others as they run', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  const before = filesOf(desk, partOf(desk, 'websvcs'));
  desk.edit('vars.yaml', 'colour: red\n');
  desk.edit('apps/blog/blog.ini', 'title = two\n');
  const ran = await desk.deploy('--only', 'web');
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.err, /^websvcs: restart web \(1 file\); untouched: 1 app$/m);
  assert.match(ran.err, /^websvcs: only web; its other apps stay as they run/m);
  const part = partOf(desk, 'websvcs');
  assert.deepEqual(filesOf(desk, part), { ...before, '/etc/opt/web/web.ini': 'colour = red\n' });
  assert.deepEqual(
    part.apps.map(({ name }) => name),
    ['blog', 'web'],
  );
  const { order } = desk.deployments[0]!;
  const manifest = JSON.parse(new TextDecoder().decode(desk.blobs.get(order.release))) as {
    parts: ReleasePart[];
  };
  assert.deepEqual(
    manifest.parts.find(({ target }) => target === 'websvcs'),
    part,
    'the order’s release holds what is ordered',
  );
  // The rest comes with the next whole deployment.
  assert.equal((await desk.deploy()).exit, 0);
  assert.equal(filesOf(desk, partOf(desk, 'websvcs'))['/etc/opt/blog/blog.ini'], 'title = two\n');
});

test('--only APP of an app that the repo no longer has takes it away', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  desk.edit('apps/blog/app.yaml', 'on: []\nunits: [blog.container]\n');
  const ran = await desk.deploy('--only', 'blog@websvcs');
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.err, /^websvcs: goes blog/m);
  assert.deepEqual(
    partOf(desk, 'websvcs').apps.map(({ name }) => name),
    ['web'],
  );
});

test('a target of which the repo has nothing keeps its apps until it is named', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  desk.edit('apps/auth/app.yaml', 'on: []\nunits: [auth.container]\n');
  const ran = await desk.deploy();
  assert.match(
    ran.out,
    /^secsvcs: runs apps that the release does not have, and keeps them: --only secsvcs/m,
  );
  assert.equal(desk.deployments.length, 1);
  const named = await desk.deploy('--only', 'secsvcs');
  assert.equal(named.exit, 0, named.err);
  assert.match(named.err, /^secsvcs: goes auth/m);
  assert.deepEqual([partOf(desk, 'secsvcs').apps, partOf(desk, 'secsvcs').files], [[], []]);
});

test('--only APP is refused where nobody has signed lately what runs there', async (t) => {
  const desk = await startDesk(t);
  const unseen = await desk.deploy('--only', 'web');
  assert.equal(unseen.exit, 2);
  assert.match(unseen.err, /no relay has signed what runs on websvcs, .*--only websvcs/);
  await desk.deploy();
  desk.edit('vars.yaml', 'colour: red\n');
  const late = { now: () => Date.now() + 11 * 60_000 };
  const old = await desk.writ(['deploy', '--repo', desk.repo, '--yes', '--only', 'web'], late);
  assert.equal(old.exit, 2);
  assert.match(old.err, /pve2 has not said for long.*\nNothing was done\.\n\(only_unseen\)/);
  desk.reportedAgoMs = 0;
  desk.reports.set('websvcs', { ...desk.reports.get('websvcs')!, part: null });
  assert.match((await desk.deploy('--only', 'web')).err, /nothing of a release runs on websvcs yet/);
  assert.equal(desk.deployments.length, 1);
});

test('a report of what was seen before the last deployment brings back no older apps', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  const before = desk.reports.get('websvcs')!;
  desk.edit('apps/blog/blog.ini', 'title = two\n');
  await desk.deploy();
  desk.reports.set('websvcs', before);
  desk.reportedAgoMs = 0;
  desk.edit('vars.yaml', 'colour: red\n');
  assert.equal((await desk.deploy('--only', 'web')).exit, 0);
  const files = filesOf(desk, partOf(desk, 'websvcs'));
  assert.deepEqual(
    [files['/etc/opt/blog/blog.ini'], files['/etc/opt/web/web.ini']],
    ['title = two\n', 'colour = red\n'],
  );
});

test('what --only cannot mean is told', async (t) => {
  const desk = await startDesk(t);
  const near = await desk.deploy('--only', 'webb');
  assert.equal(near.exit, 2);
  assert.match(near.err, /nothing is called webb\. Did you mean web\?/);
  const byHand = await desk.deploy('--only', 'switch');
  assert.equal(byHand.exit, 2);
  assert.match(byHand.err, /switch has no relay: writ config build/);
  assert.deepEqual(desk.deployments, []);
});

const app = (name: string, service = `${name}.service`) =>
  ({
    name,
    units: [{ service, files: [], kind: 'run' }],
    certs: [],
  }) as unknown as ReleasePart['apps'][number];
const file = (path: string, of: string) => ({ path, app: of }) as unknown as ReleasePart['files'][number];
const part = (apps: ReleasePart['apps'], files: ReleasePart['files'] = []): ReleasePart => ({
  target: 't',
  relay: 'r',
  apps,
  files,
});

test('a target goes before an app of its name, and app@target is the app', () => {
  const parts = new Map([
    ['a', part([app('b')])],
    ['b', part([app('b'), app('c')])],
  ]);
  const read = (...words: string[]) => {
    const scope = readOnly(words, parts, new Map());
    return scope.ok
      ? [...scope.value].map(([target, apps]) => [target, apps === 'all' ? apps : [...apps].join()])
      : scope.detail;
  };
  assert.deepEqual(read('b'), [['b', 'all']]);
  assert.deepEqual(read('b@a'), [['a', 'b']]);
  assert.deepEqual(read('c', 'b@b'), [['b', 'c,b']]);
  assert.deepEqual(read('c', 'b'), [['b', 'all']]);
  assert.deepEqual(read('b', 'c'), [['b', 'all']]);
  assert.match(String(read('c@a')), /nothing is called c@a/);
});

test('an app is not brought alone where it takes a file or a service of another that stays', () => {
  const running = part([app('a'), app('b')], [file('/x', 'a')]);
  const moved = mergeApps(running, part([app('b')], [file('/x', 'b')]), new Set(['b']));
  assert.ok(!moved.ok);
  assert.match(moved.detail!, /\/x is a file of a as it runs: bring a along/);
  const taken = mergeApps(running, part([app('b', 'a.service')]), new Set(['b']));
  assert.ok(!taken.ok);
  assert.match(taken.detail!, /a\.service is of a and of b/);
});

test('a merge with certificates has the intermediate of the release, or the one that runs', () => {
  const withCerts = (name: string) => ({ ...app(name), certs: [{}] }) as ReleasePart['apps'][number];
  const [old, newer] = ['old', 'newer'].map((issuer) => ({ authority: { root: 'r', issuer } }));
  const running = { ...part([withCerts('a'), app('b')]), ...old };
  const merge = (wanted: ReleasePart) => {
    const merged = mergeApps(running, wanted, new Set(['b']));
    return merged.ok && merged.value.authority?.issuer;
  };
  assert.equal(merge({ ...part([withCerts('a'), app('b')]), ...newer }), 'newer');
  assert.equal(merge(part([app('a'), app('b')])), 'old');
  const gone = mergeApps(running, part([app('a')]), new Set(['a', 'b']));
  assert.ok(gone.ok && gone.value.authority === undefined);
});

test('a merge in which nothing is old has the very bytes of the release', () => {
  const wanted = part([app('a'), app('b')], [file('/x', 'a'), file('/y', 'b')]);
  const merged = mergeApps(part([app('a')], [file('/x', 'a')]), wanted, new Set(['b']));
  assert.ok(merged.ok);
  assert.deepEqual(merged.value, wanted);
});

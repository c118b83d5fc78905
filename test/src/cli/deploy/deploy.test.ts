import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { safeParse } from 'valibot';
import { releaseManifestSchema } from '../../../../schema/wire/release.ts';
import { startDesk } from '../../../support/deploy-desk.ts';

type Told = {
  release: string;
  commit: string | null;
  order: { target: string; part: string; apps: string[] | null }[];
  left_out: { target: string; why: string }[];
  by_hand: string[];
  gone: string[];
};

test('a release is shown, asked for, uploaded, signed, and told of in three words a target', async (t) => {
  const desk = await startDesk(t);
  const dry = await desk.writ(['deploy', '--repo', desk.repo, '--dry-run']);
  assert.equal(dry.exit, 0, dry.err);
  assert.match(dry.out, /^websvcs: start blog, start web \(4 files\)$/m);
  assert.match(dry.out, /^switch: by hand/m);
  assert.match(dry.out, /Nothing was signed or uploaded/);
  assert.deepEqual([desk.blobs.size, desk.deployments.length], [0, 0]);

  const words = ['deploy', '--repo', desk.repo, '--wait'];
  const no = await desk.writ(words, { answers: ['n'] });
  assert.equal(no.exit, 3);
  assert.match(no.err, /Deploy to secsvcs and websvcs\? \[y\/N\]/);
  assert.deepEqual([desk.blobs.size, desk.deployments.length], [0, 0]);
  const nobody = await desk.writ(words);
  assert.equal(nobody.exit, 2);
  assert.match(nobody.err, /add --yes/);

  const yes = await desk.writ(words, { answers: ['y'] });
  assert.equal(yes.exit, 0, yes.err);
  assert.match(yes.out, /^secsvcs {2}deployed, healthy, synced\nwebsvcs {2}deployed, healthy, synced$/m);
  assert.match(yes.out, /Verified against the receipts/);
  const [view] = desk.deployments;
  assert.deepEqual(
    view!.order.parts.map(({ target, relay }) => [target, relay]),
    [
      ['secsvcs', 'pve1'],
      ['websvcs', 'pve2'],
    ],
  );
  assert.deepEqual(view!.order.order, { run_id: 0, run_attempt: 0, desk: 1 });
});

test('what was uploaded is what config build makes, and the switch’s files stay here', async (t) => {
  const desk = await startDesk(t);
  const built = await desk.writ(['config', 'build', '--repo', desk.repo, '--json']);
  const { digest } = JSON.parse(built.out) as { digest: string };
  assert.equal((await desk.deploy()).exit, 0);
  assert.equal(desk.deployments[0]!.order.release, digest);
  const held = [...desk.blobs.values()].map((bytes) => new TextDecoder().decode(bytes));
  assert.ok(held.includes('colour = blue\n'));
  assert.ok(!held.includes('1 pve1\n'));
});

test('what runs already is left out, and nothing is sent twice', async (t) => {
  const desk = await startDesk(t);
  assert.equal((await desk.deploy()).exit, 0);
  const again = await desk.deploy();
  assert.equal(again.exit, 0, again.err);
  assert.match(again.out, /^secsvcs and websvcs: runs already$/m);
  assert.match(again.out, /There is nothing to deploy/);
  assert.equal(desk.deployments.length, 1);

  desk.edit('vars.yaml', 'colour: red\n');
  const before = desk.asked.length;
  assert.equal((await desk.deploy()).exit, 0);
  const puts = desk.asked.slice(before).filter((route) => route.startsWith('PUT '));
  assert.equal(puts.length, 3, 'the manifest, a part, and the file that changed');
  assert.deepEqual(
    desk.deployments[0]!.order.parts.map(({ target }) => target),
    ['websvcs'],
  );

  assert.equal((await desk.deploy('--again')).exit, 0);
  assert.deepEqual(
    desk.deployments[0]!.order.parts.map(({ target, again }) => [target, again]),
    [
      ['secsvcs', true],
      ['websvcs', true],
    ],
  );
});

test('what differs on a target that runs its part is told, and put back by --again alone', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  const report = desk.reports.get('websvcs')!;
  desk.reports.set('websvcs', {
    ...report,
    drifted: 1,
    drift: [{ kind: 'file', name: '/etc/opt/web/web.ini', is: 'changed' }],
  });
  const ran = await desk.deploy();
  assert.match(ran.out, /^websvcs: runs already, and 1 thing there differ: writ diff websvcs$/m);
  assert.equal(desk.deployments.length, 1);
});

test('a part that waits for its target is not ordered twice, but followed', async (t) => {
  const desk = await startDesk(t);
  desk.ends.set('websvcs', null);
  const first = await desk.deploy();
  assert.equal(first.exit, 5, first.err);
  assert.match(first.out, /^websvcs {2}not deployed, healthy\?, synced\?$/m);
  assert.match(first.out, /What waits is done once its relay comes/);
  const second = await desk.deploy();
  assert.equal(second.exit, 5);
  assert.match(second.err, /^websvcs: on its way already, by dep_/m);
  assert.equal(desk.deployments.length, 1);
  desk.ends.delete('websvcs');
  const third = await desk.deploy();
  assert.equal(third.exit, 0, third.err + third.out);
  assert.match(third.out, /^websvcs {2}deployed, healthy, synced$/m);
  assert.equal(desk.deployments.length, 1);
});

test('what waits for a target is replaced by what the repo says now, though that runs there', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  desk.ends.set('websvcs', null);
  desk.edit('vars.yaml', 'colour: red\n');
  assert.equal((await desk.deploy()).exit, 5);
  desk.edit('vars.yaml', 'colour: blue\n');
  assert.equal((await desk.deploy()).exit, 5);
  assert.deepEqual(
    desk.deployments.map(({ targets }) => targets.at(-1)!.state),
    ['pending', 'superseded', 'healthy'],
  );
});

const ends = [
  [
    { state: 'failed', code: 'service_failed', result: null },
    1,
    /what ran before runs again: service_failed/,
  ],
  [{ state: 'refused', code: 'release_stale', result: null }, 3, /its relay refused it: release_stale/],
  [{ state: 'unknown', code: 'revert_failed', result: null }, 5, /its relay cannot say what came of it/],
] as const;
for (const [end, exit, says] of ends) {
  test(`a target that ends as ${end.state} is told so, with exit ${exit}`, async (t) => {
    const desk = await startDesk(t);
    desk.ends.set('websvcs', end);
    const ran = await desk.deploy();
    assert.equal(ran.exit, exit, ran.out + ran.err);
    assert.match(ran.out, /^secsvcs {2}deployed, healthy, synced$/m);
    assert.match(ran.out, /^websvcs {2}not deployed/m);
    assert.match(ran.out, says);
  });
}

test('without --wait it ends once the order is accepted', async (t) => {
  const desk = await startDesk(t);
  const ran = await desk.writ(['deploy', '--repo', desk.repo, '--yes']);
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.out, /^dep_\w+ is accepted\. Its outcome: writ deployments dep_/);
});

test('the commit is told where the repo is as committed, and only there', async (t) => {
  const desk = await startDesk(t);
  const git = (...words: string[]): string =>
    execFileSync('git', ['-C', desk.repo, '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...words], {
      encoding: 'utf8',
    }).trim();
  git('init', '-q');
  git('add', '-A');
  git('commit', '-qm', 'one');
  assert.equal((await desk.deploy()).exit, 0);
  assert.equal(desk.deployments[0]!.order.commit, git('rev-parse', 'HEAD'));
  desk.edit('vars.yaml', 'colour: red\n');
  const dirty = await desk.deploy();
  assert.match(dirty.err, /It holds what is not committed/);
  assert.equal(desk.deployments[0]!.order.commit, null);
});

test('a release file is verified and deployed as the repo that it was built from', async (t) => {
  const desk = await startDesk(t);
  const file = join(desk.repo, 'home.tar');
  const built = await desk.writ(['config', 'build', '--repo', desk.repo, '--release', file, '--json']);
  assert.equal(built.exit, 0);
  const ran = await desk.writ(['deploy', '--release', file, '--yes', '--wait']);
  assert.equal(ran.exit, 0, ran.err);
  assert.equal(desk.deployments[0]!.order.release, (JSON.parse(built.out) as { digest: string }).digest);
  const bytes = readFileSync(file);
  bytes[bytes.indexOf('colour = blue')] = 0x43;
  writeFileSync(file, bytes);
  const bad = await desk.writ(['deploy', '--release', file, '--yes']);
  assert.equal(bad.exit, 2);
  assert.match(bad.err, /is not what its name says\. Nothing was deployed\.\n\(release_invalid\)/);
  assert.equal((await desk.writ(['deploy', '--release', file, '--repo', '.'])).exit, 2);
});

test('a repo that does not build is told with its places, and nothing is deployed', async (t) => {
  const desk = await startDesk(t);
  desk.edit('apps/web/app.yaml', 'on: nowhere\nunits: [web.container]\n');
  const ran = await desk.deploy();
  assert.equal(ran.exit, 1);
  assert.match(ran.err, /^apps\/web\/app\.yaml:1:1: error: there is no guest or host nowhere/m);
  assert.match(ran.err, /Nothing was deployed/);
  assert.equal(desk.deployments.length, 0);
});

test('as JSON it says what would be ordered, and what came of it', async (t) => {
  const desk = await startDesk(t);
  const dry = await desk.writ(['deploy', '--repo', desk.repo, '--dry-run', '--json']);
  const told = JSON.parse(dry.out) as Told;
  assert.deepEqual(
    told.order.map(({ target, apps }) => [target, apps]),
    [
      ['secsvcs', null],
      ['websvcs', null],
    ],
  );
  assert.deepEqual([told.by_hand, told.gone, told.left_out], [['switch'], [], []]);
  const ran = await desk.deploy('--json');
  assert.equal(ran.err, '');
  const { targets } = JSON.parse(ran.out) as { targets: Record<string, unknown>[] };
  assert.deepEqual(targets[1], {
    target: 'websvcs',
    end: 'healthy',
    code: null,
    signed: 'succeeded',
    deployed: true,
    healthy: true,
    synced: true,
    why: [],
    log: null,
  });
});

test('the manifest is one that releases have', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  const bytes = desk.blobs.get(desk.deployments[0]!.order.release)!;
  assert.ok(safeParse(releaseManifestSchema, JSON.parse(new TextDecoder().decode(bytes))).success);
});

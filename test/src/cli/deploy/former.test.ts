import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Desk, startDesk } from '../../../support/deploy-desk.ts';

/** A desk on which websvcs had blue, then red, then green. */
async function deskWithHistory(t: TestContext): Promise<{ desk: Desk; parts: readonly string[] }> {
  const desk = await startDesk(t);
  for (const colour of ['blue', 'red', 'green']) {
    desk.edit('vars.yaml', `colour: ${colour}\n`);
    assert.equal((await desk.deploy()).exit, 0);
  }
  const parts = desk.deployments.map(
    ({ order }) => order.parts.find(({ target }) => target === 'websvcs')!.digest,
  );
  return { desk, parts: parts.reverse() };
}

const newest = (desk: Desk) => desk.deployments[0]!.order;

test('history numbers what came into force, the newest first', async (t) => {
  const { desk, parts } = await deskWithHistory(t);
  desk.ends.set('websvcs', { state: 'failed', code: 'probe_failed', result: null });
  desk.edit('vars.yaml', 'colour: black\n');
  await desk.deploy();
  const ran = await desk.writ(['history', 'websvcs']);
  assert.equal(ran.exit, 0, ran.err);
  const rows = ran.out.trimEnd().split('\n');
  assert.equal(rows.length, 4);
  assert.match(rows[0]!, /^ .*rolled-back: probe_failed.*signed$/);
  for (const [index, part] of [...parts].reverse().entries())
    assert.match(rows[index + 1]!, new RegExp(`^${index} .*${part.slice(0, 19)} .*healthy .*signed$`));
  const json = await desk.writ(['history', 'secsvcs', '--json']);
  const { history } = JSON.parse(json.out) as { history: { n: number; end: string; signed: string }[] };
  assert.deepEqual(
    history.map(({ n, end, signed }) => [n, end, signed]),
    [[0, 'healthy', 'succeeded']],
  );
  const typo = await desk.writ(['history', 'websvc']);
  assert.equal(typo.exit, 2);
  assert.match(typo.err, /Did you mean websvcs\?/);
});

test('rollback brings back what ran before, by an order above all others', async (t) => {
  const { desk, parts } = await deskWithHistory(t);
  const uploads = desk.asked.filter((route) => route.startsWith('PUT ')).length;
  const no = await desk.writ(['rollback', 'websvcs'], { answers: ['n'] });
  assert.equal(no.exit, 3);
  assert.match(no.err, /^websvcs: restart web \(1 file\)/m);
  assert.match(no.err, /Roll back websvcs\? \[y\/N\]/);
  assert.equal(desk.deployments.length, 3);

  const ran = await desk.writ(['rollback', 'websvcs', '--wait'], { answers: ['y'] });
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.out, /^websvcs {2}deployed, healthy, synced$/m);
  assert.deepEqual(
    [newest(desk).parts, newest(desk).order.desk],
    [[{ relay: 'pve2', target: 'websvcs', digest: parts[1] }], 4],
  );
  assert.equal(newest(desk).release, desk.deployments[2]!.order.release, 'the release that it was part of');
  assert.equal(desk.asked.filter((route) => route.startsWith('PUT ')).length, uploads);

  // Red runs now: before it there was green, by the order in which they came into force.
  assert.equal((await desk.writ(['rollback', 'websvcs', '--yes', '--wait'])).exit, 0);
  assert.equal(newest(desk).parts[0]!.digest, parts[2]);
  assert.equal((await desk.writ(['rollback', 'websvcs', '--to', '2', '--yes', '--wait'])).exit, 0);
  assert.equal(newest(desk).parts[0]!.digest, parts[0]);
});

test('targets whose older parts are of two releases go back by an order for each', async (t) => {
  const { desk, parts } = await deskWithHistory(t);
  desk.edit(
    'apps/auth/auth.container',
    '[Container]\nImage=docker.io/library/auth:2.0.0\nContainerName=auth\n',
  );
  assert.equal((await desk.deploy()).exit, 0);
  const ran = await desk.writ(['rollback', 'secsvcs', 'websvcs', '--yes', '--wait']);
  assert.equal(ran.exit, 0, ran.err);
  const [second, first] = desk.deployments;
  assert.deepEqual(
    [first, second].map((view) => view!.order.parts.map(({ target }) => target)),
    [['secsvcs'], ['websvcs']],
  );
  assert.equal(second!.order.parts[0]!.digest, parts[1]);
  assert.equal(second!.order.order.desk, first!.order.order.desk + 1);
});

test('what cannot be rolled back is told, and nothing is signed', async (t) => {
  const { desk } = await deskWithHistory(t);
  const only = await desk.writ(['rollback', 'secsvcs', '--yes']);
  assert.equal(only.exit, 3);
  assert.match(only.err, /No relay has signed that another part ever ran on secsvcs.*\n\(nothing_before\)/);
  const far = await desk.writ(['rollback', 'websvcs', '--to', '9', '--yes']);
  assert.match(far.err, /websvcs has no number 9\. Nothing was signed/);
  assert.equal((await desk.writ(['rollback', 'websvcs', '--to', 'x', '--yes'])).exit, 2);
  const dry = await desk.writ(['rollback', 'websvcs', '--dry-run']);
  assert.match(dry.out, /Nothing was signed\.$/m);
  const named = desk.deployments[1]!.order.parts[0]!.digest;
  desk.blobs.delete(named);
  const gone = await desk.writ(['rollback', 'websvcs', '--yes']);
  assert.equal(gone.exit, 3);
  assert.match(gone.err, /no longer keeps.*\n\(blobs_gone\)/);
  assert.equal(desk.deployments.length, 3);
});

test('a file that the old part names and nobody keeps any more is found before the order is signed', async (t) => {
  const { desk } = await deskWithHistory(t);
  for (const [digest, bytes] of desk.blobs)
    if (new TextDecoder().decode(bytes) === 'colour = red\n') desk.blobs.delete(digest);
  const gone = await desk.writ(['rollback', 'websvcs', '--yes']);
  assert.equal(gone.exit, 3);
  assert.match(gone.err, /no longer keeps 1 of the files/);
  assert.equal(desk.deployments.length, 3);
});

test('retry orders the part that failed once more, as a part that may be tried anew', async (t) => {
  const { desk } = await deskWithHistory(t);
  const nothing = await desk.writ(['retry', 'websvcs', '--yes']);
  assert.equal(nothing.exit, 3);
  assert.match(nothing.err, /Nothing failed on websvcs last/);
  desk.ends.set('websvcs', { state: 'failed', code: 'service_failed', result: null });
  desk.edit('vars.yaml', 'colour: black\n');
  assert.equal((await desk.deploy()).exit, 1);
  const failed = newest(desk);
  desk.ends.delete('websvcs');
  const ran = await desk.writ(['retry', 'websvcs', '--wait'], { answers: ['y'] });
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.err, /Retry websvcs\?/);
  assert.deepEqual(newest(desk).parts, [{ ...failed.parts[0], again: true }]);
  assert.equal(newest(desk).release, failed.release);
});

test('what was refused is retried from the computer that signed it alone', async (t) => {
  const { desk } = await deskWithHistory(t);
  desk.ends.set('websvcs', { state: 'refused', code: 'path_not_granted', result: null });
  desk.edit('vars.yaml', 'colour: black\n');
  assert.equal((await desk.deploy()).exit, 3);
  desk.ends.set('websvcs', null);
  assert.equal((await desk.writ(['retry', 'websvcs', '--yes', '--wait'])).exit, 5);
  const waits = await desk.writ(['retry', 'websvcs', '--yes']);
  assert.equal(waits.exit, 3);
  assert.match(waits.err, /is under way: writ deployments dep_\w+ --wait/);

  desk.ends.set('websvcs', { state: 'refused', code: 'path_not_granted', result: null });
  writeFileSync(join(desk.configDir, 'deploys.json'), '{"v":1,"last":null,"signed":[]}\n', { mode: 0o600 });
  const stranger = await desk.writ(['retry', 'websvcs', '--yes']);
  assert.equal(stranger.exit, 3);
  assert.match(stranger.err, /\(part_unproven\)/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ControlHome, onlyJob } from '../../support/control-home.ts';
import {
  bringTrust,
  deploy,
  grantReleases,
  makeRelease,
  makeReleasingHome,
  pollForParts as poll,
  statesOf,
  uploadBlobs,
} from '../../support/releases.ts';

const minute = 60_000;
const websvcs = { websvcs: { files: { '/etc/opt/web/a.conf': 'a' } } };

const auditOf = async ({ control }: ControlHome) =>
  (await control.audit.page(0, 1000)).entries.map(
    (text) => JSON.parse(text) as { event: string; facts: Record<string, unknown> },
  );

test('a newer release passes over what has not begun on its targets, and nothing else', async (t) => {
  const { made } = await makeReleasingHome(t);
  const { control } = made;
  const old = await deploy(made, { ...websvcs, gaming: {}, pve2: {} });
  const newer = await deploy(made, { ...websvcs, gaming: {} });
  assert.deepEqual(await statesOf(control, old.id), {
    gaming: 'superseded',
    pve2: 'pending',
    websvcs: 'superseded',
  });
  const view = await control.releases.deployment(old.id);
  assert.equal(
    view?.sentence,
    'Release c0ffee0 waits for the tower and was passed over on gaming and websvcs for a newer one.',
  );
  assert.equal(view?.ended_at, null);
  await deploy(made, { pve2: {} });
  const ended = await control.releases.deployment(old.id);
  assert.equal(ended?.ended_at, made.clock.now());
  assert.deepEqual(await statesOf(control, newer.id), { gaming: 'pending', websvcs: 'pending' });
});

test('releases to one target at once leave one that waits, whichever was last', async (t) => {
  const { made } = await makeReleasingHome(t);
  const releases = await Promise.all(
    Array.from({ length: 6 }, () => makeRelease(made.home, websvcs, { issuedAt: made.clock.now() })),
  );
  for (const release of releases) await uploadBlobs(made, release);
  const answers = await Promise.all(
    releases.map((release) => made.control.releases.release(made.operator('release'), release.request)),
  );
  const accepted = answers.filter((one) => one.ok);
  assert.ok(accepted.length > 0 && answers.every((one) => one.ok || one.reason === 'release_stale'));
  const all = await made.control.releases.deployments({});
  assert.equal(all.length, accepted.length);
  const waiting = all.filter(({ targets }) => targets[0]?.state === 'pending');
  assert.equal(waiting.length, 1);
  const highest = Math.max(...all.map(({ order: { order: number } }) => number.desk));
  assert.equal(waiting[0]?.order.order.desk, highest);
});

test('trust that no longer allows a release ends what has not begun of it', async (t) => {
  const { made } = await makeReleasingHome(t);
  const { id } = await deploy(made, { ...websvcs, gaming: {} });
  const waiting = made.control.releases.wait(id, 10_000, new AbortController().signal);
  await grantReleases(made.home, ['websvcs']);
  await bringTrust(made);
  const ended = await waiting;
  assert.deepEqual(
    ended?.targets.map(({ state, code }) => [state, code]),
    [
      ['failed', 'trust_changed'],
      ['failed', 'trust_changed'],
    ],
    'a relay that judges one part judges the whole order',
  );
  assert.match(
    ended?.sentence ?? '',
    /^Release c0ffee0 was not brought to gaming: the trust document was changed/,
  );
});

test('deployments are listed the newest first, by target and by pages', async (t) => {
  const { made } = await makeReleasingHome(t);
  const ids: string[] = [];
  for (const targets of [websvcs, { gaming: {} }, websvcs]) {
    made.clock.advance(1);
    ids.push((await deploy(made, targets)).id);
  }
  const list = async (filter: { target?: string; limit?: number; before?: string }) =>
    (await made.control.releases.deployments(filter)).map(({ id }) => ids.indexOf(id));
  assert.deepEqual(await list({}), [2, 1, 0]);
  assert.deepEqual(await list({ target: 'websvcs' }), [2, 0]);
  assert.deepEqual(await list({ target: 'nowhere' }), []);
  assert.deepEqual(await list({ limit: 2 }), [2, 1]);
  assert.deepEqual(await list({ before: ids[1]! }), [0]);
});

test('a restart loses no deployment', async (t) => {
  const { made } = await makeReleasingHome(t);
  const { id } = await deploy(made, websvcs);
  const before = await made.control.releases.deployment(id);
  await made.restart();
  assert.deepEqual(await made.control.releases.deployment(id), before);
  assert.equal(await made.control.releases.deployment(`dep_${'0'.repeat(26)}`), null);
});

test('receipts and reports move a target from pending to healthy, and tell those who wait', async (t) => {
  const { made, control, pve2 } = await makeReleasingHome(t);
  const { id } = await deploy(made, websvcs);
  const now = made.clock.now();
  const waiting = control.releases.wait(id, 30_000, new AbortController().signal);
  const job = await onlyJob(await poll(pve2));
  await pve2.say(job, 'started');
  const begun = await control.releases.deployment(id);
  assert.deepEqual([begun?.targets[0]?.state, begun?.targets[0]?.started_at], ['pending', now]);
  assert.equal(begun?.sentence, 'Release c0ffee0 is being brought to websvcs.');
  // The last one is late: it goes back to no earlier phase.
  for (const [phase, state] of [
    ['acting', 'pending'],
    ['staged', 'staged'],
    ['activated', 'activated'],
    ['staged', 'activated'],
  ] as const) {
    await pve2.report({ progress: [{ intent: job.digest, step: job.job.step, phase }] });
    assert.equal((await statesOf(control, id)).websvcs, state);
  }
  made.clock.advance(minute);
  const result = { already: false, files: 1, started: 1, restarted: 0, reloaded: 0, stopped: 0 };
  await pve2.say(job, { state: 'succeeded', result });
  const ended = await waiting;
  assert.deepEqual(ended?.targets[0], {
    target: 'websvcs',
    relay: 'pve2',
    part: job.intent.steps[0]?.params.part,
    state: 'healthy',
    code: null,
    result,
    started_at: now,
    ended_at: now + minute,
  });
  assert.deepEqual([ended?.ended_at, ended?.receipts.length], [now + minute, 2]);
  assert.equal(ended?.sentence, 'Release c0ffee0 runs on websvcs.');
  const events = (await auditOf(made)).filter(({ facts }) => facts.deployment === id);
  assert.deepEqual(
    events.map(({ event }) => event),
    [
      'release.accepted',
      'receipt.started',
      'target.staged',
      'target.activated',
      'receipt.succeeded',
      'target.healthy',
      'deployment.ended',
    ],
  );
  assert.deepEqual(events.at(-1)?.facts, { deployment: id, targets: 1, healthy: 1 });
  assert.deepEqual((await poll(pve2)).jobs, []);
});

test('a result of another shape is left out', async (t) => {
  const { made, control, pve2 } = await makeReleasingHome(t);
  const { id } = await deploy(made, websvcs);
  const job = await onlyJob(await poll(pve2));
  await pve2.say(job, 'started', { state: 'succeeded', result: { text: 'from a guest' } });
  assert.equal((await control.releases.deployment(id))?.targets[0]?.result, null);
});

test('what did not come up, was refused or is unknown is told as it is', async (t) => {
  const { made, control, pve2 } = await makeReleasingHome(t);
  const title = 'Release c0ffee0';
  const cases = [
    [
      'failed',
      'guest_missing',
      'rolled-back',
      `${title} did not come up on websvcs: Proxmox knows no websvcs. Websvcs is as it was before.`,
    ],
    [
      'unknown',
      'interrupted',
      'failed',
      `Nobody can say what became of it on websvcs: the tower was interrupted, and cannot tell what came of it.`,
    ],
    [
      'refused',
      'guest_not_running',
      'failed',
      `${title} was refused for websvcs: websvcs is not running. Nothing was changed there. A relay takes the same order only once: deploy again when that has passed.`,
    ],
    [
      'refused',
      'not_granted',
      'failed',
      `${title} was refused for websvcs: the trust document does not allow it. Nothing was changed there.`,
    ],
  ] as const;
  for (const [state, code, told, sentence] of cases) {
    const { id } = await deploy(made, websvcs);
    const job = await onlyJob(await poll(pve2));
    if (state === 'refused') await pve2.say(job, { state, code });
    else await pve2.say(job, 'started', { state, code });
    const view = await control.releases.deployment(id);
    assert.deepEqual([view?.targets[0]?.state, view?.targets[0]?.code], [told, code]);
    assert.equal(view?.ended_at, made.clock.now());
    assert.equal(view?.sentence, sentence);
    made.clock.advance(60 * minute);
    assert.deepEqual((await poll(pve2)).jobs, [], 'what was consumed is not offered again');
  }
});

test('a part that was passed over and began all the same is told by its receipts', async (t) => {
  const { made, control, pve2 } = await makeReleasingHome(t);
  const old = await deploy(made, websvcs);
  const job = await onlyJob(await poll(pve2));
  const newer = await deploy(made, websvcs);
  assert.equal((await statesOf(control, old.id)).websvcs, 'superseded');
  await pve2.say(job, 'started');
  const reopened = await control.releases.deployment(old.id);
  assert.deepEqual(
    [reopened?.targets[0]?.state, reopened?.targets[0]?.code, reopened?.ended_at],
    ['pending', null, null],
  );
  made.clock.advance(minute);
  assert.deepEqual((await poll(pve2)).jobs, [], 'the newer one waits while that one is at work');
  await pve2.say(job, 'succeeded');
  assert.equal((await statesOf(control, old.id)).websvcs, 'healthy');
  const next = await onlyJob(await poll(pve2));
  assert.equal(next.digest, newer.release.digest);
});

test('one that began and is not heard of any more holds the next up for half an hour, and ends when that begins', async (t) => {
  const { made, control, pve2 } = await makeReleasingHome(t);
  const old = await deploy(made, websvcs);
  await pve2.say(await onlyJob(await poll(pve2)), 'started');
  await deploy(made, websvcs);
  made.clock.advance(30 * minute - 1);
  assert.deepEqual((await poll(pve2)).jobs, []);
  made.clock.advance(1);
  const job = await onlyJob(await poll(pve2));
  assert.equal((await statesOf(control, old.id)).websvcs, 'pending');
  await pve2.say(job, 'started');
  const view = await control.releases.deployment(old.id);
  assert.deepEqual([view?.targets[0]?.state, view?.targets[0]?.code], ['failed', 'interrupted']);
  assert.equal(view?.ended_at, made.clock.now());
});

test('threat 8: a receipt or a report changes a part of its own relay and target alone', async (t) => {
  const { made, control, pve2 } = await makeReleasingHome(t);
  const { id } = await deploy(made, { ...websvcs, pve1: { relay: 'pve1' } });
  const pve1 = made.relay('pve1');
  const mine = await onlyJob(await poll(pve2));
  const theirs = await onlyJob(await poll(pve1));
  const before = await control.releases.deployment(id);
  await pve1.report({ progress: [{ intent: mine.digest, step: mine.job.step, phase: 'activated' }] });
  await pve1.say(mine, 'started');
  await pve1.say(theirs, { state: 'started', target: 'websvcs' });
  await pve1.say(theirs, { state: 'started', intent: `sha256:${'0'.repeat(64)}` } as never);
  const after = await control.releases.deployment(id);
  assert.deepEqual(after?.targets, before?.targets);
  const events = (await auditOf(made))
    .map(({ event }) => event)
    .filter((event) => event.startsWith('receipt.'));
  assert.deepEqual(events, ['receipt.mismatched', 'receipt.mismatched', 'receipt.unknown']);
  await pve2.say(mine, 'started', 'succeeded');
  await pve2.say(mine, { state: 'failed', code: 'interrupted' });
  assert.equal((await statesOf(control, id)).websvcs, 'healthy', 'what a receipt ended stays');
  assert.equal((await auditOf(made)).at(-1)?.event, 'receipt.contradicts');
});

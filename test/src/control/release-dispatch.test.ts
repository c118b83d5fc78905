import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeControlHome, onlyJob, openJob } from '../../support/control-home.ts';
import { testNonce } from '../../support/relay-home.ts';
import {
  bringTrust,
  deploy,
  grantReleases,
  makeReleasingHome,
  pollForParts as poll,
  statesOf,
} from '../../support/releases.ts';

const second = 1_000;
const minute = 60 * second;
const websvcs = { websvcs: { files: { '/etc/opt/web/a.conf': 'a' } } };
const running = { websvcs: 'running', gaming: 'running' } as const;

test('a part goes to its relay as a job of its order, beside steps and numbered with them', async (t) => {
  const { made, control, pve2 } = await makeReleasingHome(t, { ...running, devtop: 'stopped' });
  const { release } = await deploy(made, { ...websvcs, pve1: { relay: 'pve1' } });
  const order = { action: 'guest.stop', target: 'gaming', params: {} };
  await made.home.amend((document) => {
    const { controller } = document.identities;
    if (controller?.kind !== 'key') throw new Error('there is a controller');
    const may = [...controller.may, { action: 'guest.stop', on: ['gaming'], limit: '9/1h' }];
    return { ...document, identities: { ...document.identities, controller: { ...controller, may } } };
  });
  await bringTrust(made);
  assert.ok((await control.orders.order(made.token('guest.stop@gaming'), order)).ok);
  const jobs = await Promise.all((await poll(pve2)).jobs.map(openJob));
  assert.deepEqual(
    jobs.map(({ job }) => [job.kind, job.seq, job.step]),
    [
      [undefined, 1, 0],
      ['release', 2, 1],
    ],
  );
  const [, { job, digest }] = jobs as [unknown, Awaited<ReturnType<typeof openJob>>];
  assert.equal(digest, release.digest);
  assert.deepEqual(
    [job.intent, job.authorisation, job.receipts, job.relay],
    [release.request.order, release.request.authorisation, [], 'pve2'],
  );
  const pve1 = made.relay('pve1');
  const other = await onlyJob(await poll(pve1));
  assert.deepEqual([other.digest, other.job.step], [release.digest, 0], 'each relay gets its own part');
});

test('a relay of the protocol before releases gets none', async (t) => {
  const { made, pve2 } = await makeReleasingHome(t);
  await deploy(made, websvcs);
  assert.deepEqual((await pve2.poll({ protocol: 1 })).jobs, []);
  assert.equal((await poll(pve2)).jobs.length, 1);
});

test('a part is offered again when nobody heard of it, to another run, and when its lease is over; never too late', async (t) => {
  const { made, pve2 } = await makeReleasingHome(t);
  await deploy(made, websvcs);
  const first = await onlyJob(await poll(pve2));
  assert.deepEqual((await poll(pve2)).jobs, [], 'it was heard of');
  const unheard = await onlyJob(await poll(pve2, { seen: 0 }));
  assert.equal(unheard.job.seq, first.job.seq + 1);
  assert.deepEqual((await poll(pve2)).jobs, []);
  pve2.session = testNonce();
  assert.equal((await onlyJob(await poll(pve2, { poll: 1, seen: 0 }))).job.seq, 1);
  // Left with the relay for longer each time: 30 s, 60 s, 120 s so far.
  for (const lease of [120 * second, 240 * second, 480 * second, 600 * second, 600 * second]) {
    made.clock.advance(lease - 1);
    assert.deepEqual((await poll(pve2)).jobs, []);
    made.clock.advance(1);
    assert.equal((await poll(pve2)).jobs.length, 1, `after ${lease} ms`);
  }
  made.clock.advance(400 * 24 * 60 * minute);
  const late = await onlyJob(await poll(pve2));
  assert.ok(late.job.exp > made.clock.now(), 'the envelope is new');
});

test('a guest that is off or unseen waits for its part until it runs', async (t) => {
  for (const state of ['stopped', 'paused', 'unseen', null] as const) {
    const { made, control, pve2 } = await makeReleasingHome(t, state === null ? null : { websvcs: state });
    const { id } = await deploy(made, { ...websvcs, pve2: {} });
    const job = await onlyJob(await poll(pve2));
    assert.equal(job.intent.steps[job.job.step]?.target, 'pve2', `${state}: its host gets its own part`);
    const parked = poll(pve2, { wait_ms: 30_000 });
    await pve2.reportGuests({ websvcs: 'running' });
    const { job: brought, intent } = await onlyJob(await parked);
    assert.equal(intent.steps[brought.step]?.target, 'websvcs', `${state}`);
    assert.deepEqual(await statesOf(control, id), { pve2: 'pending', websvcs: 'pending' });
  }
});

test('a guest that is missing or another one is told of by its relay’s refusal', async (t) => {
  for (const state of ['missing', 'mismatch'] as const) {
    const { made, pve2 } = await makeReleasingHome(t, { websvcs: state });
    await deploy(made, websvcs);
    assert.equal((await poll(pve2)).jobs.length, 1, state);
  }
});

test('a parked poll wakes when a release comes, also after it was long without one', async (t) => {
  const { made, pve2 } = await makeReleasingHome(t);
  for (let times = 0; times < 3; times += 1) {
    const parked = poll(pve2, { wait_ms: 50_000 });
    const { release } = await deploy(made, websvcs);
    const job = await onlyJob(await parked);
    assert.equal(job.digest, release.digest);
    await pve2.say(job, 'started', 'succeeded');
    assert.deepEqual((await poll(pve2)).jobs, []);
  }
});

test('many parts go out some at a time', async (t) => {
  const names = ['devtop', 'files', 'gaming', 'websvcs'];
  const { made, pve2 } = await makeReleasingHome(
    t,
    Object.fromEntries(names.map((name) => [name, 'running'])),
  );
  await grantReleases(made.home, [...names, 'pve2']);
  await bringTrust(made);
  await deploy(made, Object.fromEntries([...names, 'pve2'].map((name) => [name, {}])));
  const first = await poll(pve2);
  const rest = await poll(pve2);
  const steps = await Promise.all(
    [...first.jobs, ...rest.jobs].map(async (jws) => (await openJob(jws)).job.step),
  );
  assert.deepEqual([first.jobs.length, rest.jobs.length, steps.toSorted()], [4, 1, [0, 1, 2, 3, 4]]);
});

test('threat 5: what trust no longer allows does not go out, nor does anything under expired trust', async (t) => {
  const { made, control, pve2 } = await makeReleasingHome(t);
  const { id } = await deploy(made, { ...websvcs, gaming: {} });
  // A version that came into force behind this process: nothing was reviewed.
  const { document, digest } = await grantReleases(made.home, ['gaming']);
  const version = { version: document.version, digest, jws: made.home.versions.at(-1)!, acceptedAt: 1 };
  await made.store.trust.add(version, { time: 1, event: 'trust.accepted', principal: 'operator', facts: {} });
  assert.deepEqual((await poll(pve2)).jobs, []);
  assert.deepEqual(await statesOf(control, id), { gaming: 'failed', websvcs: 'failed' });

  const expiring = await makeControlHome(t, { expires: '2027-01-15T08:00:30Z' });
  await grantReleases(expiring.home);
  await bringTrust(expiring);
  await deploy(expiring, { pve2: {} });
  expiring.clock.advance(31 * second);
  assert.deepEqual((await poll(expiring.relay('pve2'))).jobs, []);
});

test('after a restart nothing is lost, and what was leased is not offered twice', async (t) => {
  const { made, pve2 } = await makeReleasingHome(t);
  const { id } = await deploy(made, websvcs);
  const job = await onlyJob(await poll(pve2));
  await made.restart();
  assert.deepEqual((await poll(pve2)).jobs, []);
  await pve2.say(job, 'started', 'succeeded');
  await made.restart();
  assert.deepEqual(await statesOf(made.control, id), { websvcs: 'healthy' });
  await deploy(made, websvcs);
  assert.equal((await poll(pve2)).jobs.length, 1);
});

test('a release that comes while a poll finds that there is none is not forgotten', async (t) => {
  let meanwhile: (() => Promise<unknown>) | null = null;
  const made = await makeControlHome(t, {
    wrap: (store) => ({
      ...store,
      deployments: {
        ...store.deployments,
        openOf: async (relay) => {
          const open = await store.deployments.openOf(relay);
          const come = meanwhile;
          meanwhile = null;
          await come?.();
          return open;
        },
      },
    }),
  });
  await grantReleases(made.home);
  await bringTrust(made);
  meanwhile = () => deploy(made, { pve2: {} });
  const pve2 = made.relay('pve2');
  assert.deepEqual((await poll(pve2)).jobs, []);
  assert.equal((await poll(pve2)).jobs.length, 1);
});

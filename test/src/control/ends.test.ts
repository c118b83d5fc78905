import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../../../src/domain/ports.ts';
import { expiryGraceMs, startedGraceMs } from '../../../src/domain/settle.ts';
import { silentAfterMs } from '../../../src/domain/world.ts';
import { isStoreError } from '../../../src/store/port.ts';
import { type ControlHome, makeControlHome, onlyJob, provedIf } from '../../support/control-home.ts';

const start = { action: 'guest.start', target: 'gaming', params: {} };
const wake = { action: 'host.wake', target: 'pve2', params: {} };

async function order(made: ControlHome, wanted: typeof start): Promise<string> {
  const grant = made.token(`${wanted.action}@${wanted.target}`);
  const accepted = await made.control.orders.order(grant, wanted);
  assert.ok(accepted.ok, accepted.ok ? '' : accepted.detail);
  return accepted.value.command.id;
}

async function awake(made: ControlHome) {
  const pve2 = made.relay('pve2');
  await pve2.poll();
  await pve2.reportGuests({ devtop: 'stopped', gaming: 'stopped' });
  return pve2;
}

/** Moves the clock past what the sweep says is due next, and sweeps. */
async function passDue(made: ControlHome): Promise<void> {
  const due = await made.control.upkeep.sweep();
  assert.ok(due !== null, 'nothing is due');
  made.clock.advance(due - made.clock.now());
  await made.control.upkeep.sweep();
}

test('an order that no relay takes expires, and lets its locks go', async (t) => {
  const made = await makeControlHome(t);
  await awake(made);
  const id = await order(made, start);
  assert.equal((await made.store.commands.held()).length > 0, true);
  await passDue(made);
  const view = await made.control.orders.command(id);
  assert.equal(view?.state, 'expired');
  assert.equal(view?.code, 'expired');
  assert.equal(
    view?.sentence,
    'Could not start gaming: the tower did not take the order in time. Nothing was changed.',
  );
  assert.deepEqual(await made.store.commands.held(), []);
  assert.equal(await made.control.upkeep.sweep(), null);
});

test('nothing goes out once its intent is over, even before the sweep', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = await awake(made);
  await order(made, start);
  made.clock.advance(15 * 60_000);
  assert.deepEqual((await pve2.poll()).jobs, []);
});

test('a receipt that comes late tells the truth over the expiry', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = await awake(made);
  const id = await order(made, start);
  const job = await onlyJob(await pve2.poll());
  await passDue(made);
  assert.equal((await made.control.orders.command(id))?.state, 'expired');
  await pve2.say(job, 'started');
  assert.equal((await made.control.orders.command(id))?.state, 'unconfirmed');
  await pve2.say(job, { state: 'succeeded', result: { already: false } });
  assert.equal((await made.control.orders.command(id))?.state, 'succeeded');
});

test('a started step that is not heard of again leaves its command unconfirmed', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = await awake(made);
  const id = await order(made, start);
  const job = await onlyJob(await pve2.poll());
  await pve2.say(job, 'started');
  made.clock.advance(15 * 60_000 + expiryGraceMs);
  await made.control.upkeep.sweep();
  assert.equal((await made.control.orders.command(id))?.state, 'running');
  made.clock.advance(startedGraceMs);
  await made.control.upkeep.sweep();
  const view = await made.control.orders.command(id);
  assert.equal(view?.state, 'unconfirmed');
  assert.equal(view?.sentence, 'The tower began to start gaming, and has not been heard of since.');
  assert.deepEqual(await made.store.commands.held(), []);
  await pve2.say(job, { state: 'unknown', code: 'interrupted' });
  assert.equal((await made.control.orders.command(id))?.state, 'unknown');
});

test('a host that powers off unheard can be woken again once it has been silent for long enough', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = await awake(made);
  const id = await order(made, { action: 'host.shutdown', target: 'pve2', params: {} });
  const job = await onlyJob(await pve2.poll());
  await pve2.say(job, 'started');
  // Its guests take their time, and it goes on polling: it has not powered off yet.
  made.clock.advance(silentAfterMs - 1_000);
  await pve2.poll();
  await passDue(made);
  assert.equal((await made.control.orders.command(id))?.state, 'running');
  await passDue(made);
  const view = await made.control.orders.command(id);
  assert.equal(view?.state, 'unconfirmed');
  assert.deepEqual(await made.store.commands.held(), []);
  assert.equal(await made.control.upkeep.sweep(), null);
  await order(made, wake);
  await pve2.say(job, { state: 'succeeded', result: {} });
  assert.equal((await made.control.orders.command(id))?.state, 'succeeded');
});

test('the timer sweeps when something is due, and hears of what is due earlier', async (t) => {
  const made = await makeControlHome(t);
  await awake(made);
  const stop = new AbortController();
  const running = made.control.upkeep.run(stop.signal);
  const id = await order(made, start);
  made.clock.advance(15 * 60_000 + expiryGraceMs);
  // Any change rings the timer: another order does.
  await order(made, wake);
  const view = await made.control.orders.wait(id, 10_000, AbortSignal.timeout(10_000));
  assert.equal(view?.state, 'expired');
  stop.abort();
  await running;
});

test('a host that did not wake is tried once more, by a new intent for what is left', async (t) => {
  const made = await makeControlHome(t);
  const [pve1, pve2] = [made.relay('pve1'), made.relay('pve2')];
  const id = await order(made, start);
  const first = await onlyJob(await pve1.poll());
  await pve1.say(first, 'started', { state: 'failed', code: 'host_did_not_wake' });
  const between = await made.control.orders.command(id);
  assert.equal(between?.state, 'running');
  assert.equal(between?.intents.length, 2);
  assert.equal(between?.sentence, 'Waiting for pve1 to wake the tower (step 1 of 2) once more.');
  assert.ok((await made.store.commands.held()).length > 0, 'its locks stay');

  const second = await onlyJob(await pve1.poll());
  assert.notEqual(second.digest, first.digest);
  await pve1.say(second, 'started', { state: 'succeeded', result: { packets: 1, took_ms: 5 } });
  const job = await onlyJob(await pve2.poll());
  assert.equal(job.digest, second.digest);
  await pve2.say(job, 'started', { state: 'succeeded', result: { already: false } });
  const view = await made.control.orders.command(id);
  assert.equal(view?.state, 'succeeded');
  assert.deepEqual(
    view?.steps.map((step) => [step.attempt, step.action, step.state]),
    [
      [0, 'host.wake', 'failed'],
      [0, 'guest.start', 'skipped'],
      [1, 'host.wake', 'succeeded'],
      [1, 'guest.start', 'succeeded'],
    ],
  );
});

test('a host that did not wake twice ends the command', async (t) => {
  const made = await makeControlHome(t);
  const pve1 = made.relay('pve1');
  const id = await order(made, wake);
  for (const attempt of [1, 2]) {
    const job = await onlyJob(await pve1.poll());
    await pve1.say(job, 'started', { state: 'failed', code: 'host_did_not_wake' });
    assert.equal((await made.control.orders.command(id))?.intents.length, 2, `after attempt ${attempt}`);
  }
  const view = await made.control.orders.command(id);
  assert.equal(view?.state, 'failed');
  assert.equal(view?.code, 'host_did_not_wake');
  assert.equal(
    view?.sentence,
    'Could not wake the tower: the tower did not wake. Nothing was changed after that.',
  );
  assert.deepEqual(await made.store.commands.held(), []);
});

test('threat 5: newer trust ends what no relay has begun and it does not allow any more', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = await awake(made);
  const id = await order(made, start);
  await made.home.amend((document) => {
    const { controller } = document.identities;
    assert.ok(controller?.kind === 'key');
    const may = controller.may.filter((grant) => grant.action !== 'guest.start');
    return { ...document, identities: { ...document.identities, controller: { ...controller, may } } };
  });
  assert.ok((await made.control.trust.upload([made.home.versions[1]!], async () => provedIf(true))).ok);
  const view = await made.control.orders.command(id);
  assert.deepEqual([view?.state, view?.code], ['refused', 'trust_changed']);
  assert.deepEqual(await made.store.commands.held(), []);
  assert.deepEqual((await pve2.poll()).jobs, []);
});

test('threat 5: what slipped through between newer trust and its review is not leased', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = await awake(made);
  const id = await order(made, start);
  const narrower = await made.home.amend((document) => {
    const { controller } = document.identities;
    assert.ok(controller?.kind === 'key');
    const may = controller.may.filter((grant) => grant.action !== 'guest.start');
    return { ...document, identities: { ...document.identities, controller: { ...controller, may } } };
  });
  // As if the process had died right after the version was stored.
  await made.store.trust.add(
    { version: 2, digest: narrower.digest, jws: narrower.jws, acceptedAt: made.clock.now() },
    { time: made.clock.now(), event: 'trust.accepted', principal: 'operator', facts: {} },
  );
  assert.deepEqual((await pve2.poll()).jobs, []);
  assert.equal((await made.control.orders.command(id))?.code, 'trust_changed');
});

test('a runbook goes on after a failure where it says so', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = await awake(made);
  const file = await made.control.house.file();
  assert.ok(file);
  const steps = [
    { action: 'guest.shutdown', target: 'devtop', params: {}, even_if_failed: false },
    { action: 'guest.start', target: 'gaming', params: {}, even_if_failed: true },
  ];
  const runbooks = { anyway: { title: 'Anyway', steps } };
  assert.ok((await made.control.house.upload(made.operator('house'), { ...file, runbooks })).ok);
  const accepted = await made.control.orders.order(made.token('run@anyway'), { runbook: 'anyway' });
  assert.ok(accepted.ok);
  await pve2.say(await onlyJob(await pve2.poll()), 'started', {
    state: 'failed',
    code: 'guest_did_not_stop',
  });
  const next = await onlyJob(await pve2.poll());
  assert.equal(next.job.step, 1);
  await pve2.say(next, 'started', { state: 'succeeded', result: { already: false } });
  const view = await made.control.orders.command(accepted.value.command.id);
  assert.equal(view?.state, 'failed');
  assert.equal(
    view?.sentence,
    'Could not run “Anyway”: devtop did not shut down in time, and still runs. The steps after it were done.',
  );
});

test('a crash between any two commits loses and doubles nothing', async (t) => {
  const made = await makeControlHome(t);
  const [pve1, pve2] = [made.relay('pve1'), made.relay('pve2')];
  const id = await order(made, start);
  await made.restart();
  const first = await onlyJob(await pve1.poll());
  await made.restart();
  const receipts = [
    await pve1.sign(first, { state: 'started' }),
    await pve1.sign(first, { state: 'succeeded', result: { packets: 1, took_ms: 5 } }),
  ];
  await pve1.post(receipts.slice(0, 1));
  await made.restart();
  // It did not hear that its first receipt was taken: both come again.
  assert.deepEqual(await pve1.post(receipts), { ok: true, value: { receipts_seq: 2 } });
  await made.restart();
  assert.deepEqual((await pve1.poll()).jobs, []);
  const job = await onlyJob(await pve2.poll());
  await made.restart();
  await pve2.say(job, 'started', { state: 'succeeded', result: { already: false } });
  await made.restart();
  const view = await made.control.orders.command(id);
  assert.equal(view?.state, 'succeeded');
  assert.equal(view?.receipts.length, 4);
  assert.deepEqual(await made.store.commands.held(), []);
});

test('a store that fails at a receipt leaves it to be posted again', async (t) => {
  let fail = false;
  const wrap = (store: Store): Store => ({
    ...store,
    commands: {
      ...store.commands,
      addReceipt: async (...args) => {
        if (fail) throw Object.assign(new Error('store full'), { name: 'StoreError', reason: 'full' });
        return store.commands.addReceipt(...args);
      },
    },
  });
  const made = await makeControlHome(t, { wrap });
  const pve2 = await awake(made);
  const id = await order(made, start);
  const job = await onlyJob(await pve2.poll());
  const receipt = await pve2.sign(job, { state: 'started' });
  fail = true;
  await assert.rejects(pve2.post([receipt]), (error) => isStoreError(error, 'full'));
  fail = false;
  assert.deepEqual(await pve2.post([receipt]), { ok: true, value: { receipts_seq: 1 } });
  assert.equal((await made.control.orders.command(id))?.steps[0]?.state, 'started');
});

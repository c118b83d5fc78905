import assert from 'node:assert/strict';
import { copyFile, rename, rm } from 'node:fs/promises';
import { test } from 'node:test';
import { copyDatabase } from '../../../src/store/embedded-copy.ts';
import { type ControlHome, makeControlHome, onlyJob } from '../../support/control-home.ts';

const start = { action: 'guest.start', target: 'gaming', params: {} };

async function order(made: ControlHome): Promise<void> {
  const accepted = await made.control.orders.order(made.token('guest.start@gaming'), start);
  assert.ok(accepted.ok, accepted.ok ? '' : accepted.detail);
}

/** Keeps the database as it is now; the returned function puts it back, as a restore does. */
function keep(made: ControlHome): () => Promise<void> {
  const kept = `${made.path}.kept`;
  copyDatabase(made.path, kept);
  return async () => {
    await made.db.close();
    // A file of its own in its place: connections that are not collected yet still have the old one.
    for (const suffix of ['-wal', '-shm']) await rm(made.path + suffix, { force: true });
    await copyFile(kept, `${kept}.again`);
    await rename(`${kept}.again`, made.path);
    await made.restart();
  };
}

const eventsOf = async (made: ControlHome) =>
  (await made.store.audit.after(0, 1000)).filter(({ event }) => event === 'receipt.gap');

test('an API that was restored takes the receipts of a relay that forgot what it had confirmed', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = made.relay('pve2');
  await pve2.poll();
  await pve2.reportGuests({ devtop: 'stopped', gaming: 'stopped' });
  await order(made);
  assert.equal(await pve2.say(await onlyJob(await pve2.poll()), 'started', 'succeeded'), 2);
  const putBack = keep(made);
  // Receipts 3 to 6 are confirmed, so that the relay may forget them; then the API loses them.
  for (const _ of [1, 2]) {
    await order(made);
    await pve2.say(await onlyJob(await pve2.poll()), 'started', 'succeeded');
  }
  await putBack();
  assert.equal((await pve2.poll()).receipts_seq, 2);
  await order(made);
  const job = await onlyJob(await pve2.poll());
  const seventh = await pve2.sign(job, { state: 'started' });
  const eighth = await pve2.sign(job, { state: 'succeeded' });
  // First it is told where the API is, in case that it has what is missing.
  assert.deepEqual(await pve2.post([seventh, eighth]), { ok: true, value: { receipts_seq: 2 } });
  assert.deepEqual(await eventsOf(made), []);
  assert.deepEqual(await pve2.post([seventh, eighth]), { ok: true, value: { receipts_seq: 8 } });
  const [gap, ...more] = await eventsOf(made);
  assert.deepEqual(gap?.facts, { from: 3, to: 6 });
  assert.equal(gap?.principal, 'relay:pve2');
  assert.deepEqual(more, []);
  const [last] = await made.store.commands.list({ states: null, before: null, limit: 1 });
  assert.equal(last?.state, 'succeeded');
  // The chain goes on from there, and what is in the gap is passed over.
  await order(made);
  assert.equal(await pve2.say(await onlyJob(await pve2.poll()), 'started', 'succeeded'), 10);
});

test('a gap is taken only with the receipt that was told of it, and only once', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = made.relay('pve2');
  await pve2.poll();
  await pve2.reportGuests({ devtop: 'stopped', gaming: 'stopped' });
  await order(made);
  const job = await onlyJob(await pve2.poll());
  const receipts: string[] = [];
  for (const state of ['started', 'failed', 'failed', 'failed'] as const)
    receipts.push(await pve2.sign(job, { state }));
  const post = async (...numbers: number[]): Promise<number> => {
    const answer = await pve2.post(numbers.map((number) => receipts[number - 1]!));
    assert.ok(answer.ok);
    return answer.value.receipts_seq;
  };
  assert.equal(await post(3), 0);
  assert.equal(await post(4), 0);
  assert.equal(await post(3), 0);
  // It had the first after all.
  assert.equal(await post(1), 1);
  assert.equal(await post(3), 1);
  assert.equal(await post(2, 3), 3);
  assert.equal(await post(4), 4);
  assert.deepEqual(await eventsOf(made), []);
});

test('two posts over one gap at the same time leave one chain and one entry', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = made.relay('pve2');
  await pve2.poll();
  await pve2.reportGuests({ devtop: 'stopped', gaming: 'stopped' });
  await order(made);
  const job = await onlyJob(await pve2.poll());
  await pve2.sign(job, { state: 'started' });
  const second = await pve2.sign(job, { state: 'succeeded' });
  assert.deepEqual(await pve2.post([second]), { ok: true, value: { receipts_seq: 0 } });
  await Promise.all([pve2.post([second]), pve2.post([second])]);
  // One that found the gap told to the other is told of it itself; either way the next gets through.
  await pve2.post([second]);
  assert.equal((await pve2.poll()).receipts_seq, 2);
  assert.equal((await eventsOf(made)).length, 1);
});

test('jobs go on above what a run has seen, although the store forgot how far it had numbered them', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = made.relay('pve2');
  await pve2.poll();
  await pve2.reportGuests({ devtop: 'stopped', gaming: 'stopped' });
  const putBack = keep(made);
  let seen = 0;
  for (const _ of [1, 2, 3]) {
    await order(made);
    const job = await onlyJob(await pve2.poll());
    seen = job.job.seq;
    await pve2.say(job, 'started', 'succeeded');
  }
  assert.equal(seen, 3);
  await putBack();
  await pve2.poll();
  await order(made);
  const polled = await onlyJob(await pve2.poll());
  assert.equal(polled.job.seq, 4);
  // Also those that are leased in the commit of their order, to a poll that is parked.
  await pve2.post([await pve2.sign(polled, { state: 'failed' })]);
  const last = await pve2.sign(polled, { state: 'failed' });
  await pve2.post([last]);
  await pve2.post([last]);
  await putBack();
  await pve2.poll();
  const parked = pve2.poll({ wait_ms: 60_000 });
  await order(made);
  assert.ok((await onlyJob(await parked)).job.seq > 4);
});

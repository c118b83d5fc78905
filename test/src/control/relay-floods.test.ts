import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeControlHome, type OpenJob, onlyJob } from '../../support/control-home.ts';
import { testNonce } from '../../support/relay-home.ts';

const minuteMs = 60_000;

test('threat 7: a stolen relay key fills no disk with runs, and hinders no other relay', async (t) => {
  const made = await makeControlHome(t);
  const thief = made.relay('pve1');
  const outcomes: Record<string, number> = {};
  for (let count = 0; count < 200; count += 1) {
    const answer = await thief.tryPoll({ session: testNonce(), poll: 1 });
    const outcome = answer.ok ? 'served' : answer.reason;
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  assert.deepEqual(outcomes, { served: 120, rate_limited: 80 });
  const rows = await made.db.read({ sql: 'SELECT count(*) AS count FROM relay_session', args: [] });
  assert.equal(rows[0]!.count, 120);
  await made.relay('pve2').poll();
  made.clock.advance(minuteMs / 2);
  thief.session = testNonce();
  await thief.poll({ poll: 1 });
  await thief.poll({ poll: 2 });
});

test('threat 7: a stolen relay key fills no disk with receipts of orders that nobody gave, and true ones are taken', async (t) => {
  const made = await makeControlHome(t);
  const tower = made.relay('pve2');
  await tower.reportGuests({ gaming: 'stopped', devtop: 'stopped' });
  await tower.poll();
  const stray: OpenJob = {
    job: { step: 0 } as OpenJob['job'],
    intent: {
      home: made.home.id,
      steps: [{ relay: 'pve2', action: 'guest.start', target: 'gaming', params: {}, after: [] }],
    } as unknown as OpenJob['intent'],
    digest: `sha256:${'1'.repeat(64)}`,
  };
  const counts = async (): Promise<number> => {
    const rows = await made.db.read({ sql: 'SELECT count(*) AS count FROM receipt', args: [] });
    return Number(rows[0]!.count);
  };
  const signed: string[] = [];
  for (let count = 0; count < 1_040; count += 1) signed.push(await tower.sign(stray, { state: 'refused' }));
  const answers = [];
  for (let at = 0; at < signed.length; at += 32) answers.push(await tower.post(signed.slice(at, at + 32)));
  assert.ok(answers.slice(0, 31).every((answer) => answer.ok));
  assert.equal(answers[31]!.ok ? '' : answers[31]!.reason, 'rate_limited');
  const beyond = await tower.post(signed.slice(1_024));
  assert.equal(beyond.ok ? '' : beyond.reason, 'rate_limited', 'leaving some out is no way around it');
  assert.equal(await counts(), 1_000);
  assert.deepEqual(await tower.post(signed.slice(999, 1_000)), { ok: true, value: { receipts_seq: 1_000 } });

  // With time they go on, and what belongs to an order is never held up by the count.
  made.clock.advance(50 * minuteMs);
  assert.equal((await tower.post(signed.slice(1_000, 1_020))).ok, true);
  assert.equal((await tower.post(signed.slice(1_020))).ok, true);
  assert.equal(await counts(), 1_040);
  made.clock.advance(-50 * minuteMs);
  const order = await made.control.orders.order(made.operator('guest.start@gaming'), {
    action: 'guest.start',
    target: 'gaming',
    params: {},
  });
  assert.ok(order.ok, order.ok ? '' : order.detail);
  const job = await onlyJob(await tower.poll());
  assert.equal(await tower.say(job, 'started', { state: 'succeeded', result: { already: false } }), 1_042);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Order } from '../../../schema/api/orders.ts';
import { controllerName } from '../../../schema/trust/document.ts';
import { maxWaitingOrders } from '../../../schema/wire/limits.ts';
import { amend, approve, ask, awake, reasonOf, sign, stopGaming } from '../../support/approvals.ts';
import { makeControlHome, onlyJob } from '../../support/control-home.ts';

test('what the controller may not order waits, is approved by its bytes, and is done', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = await awake(made);
  const { id, waiting } = await ask(made);
  assert.deepEqual((await pve2.poll()).jobs, []);
  const approved = await approve(made, id, await sign(made, waiting));
  assert.ok(approved.ok, JSON.stringify(approved));
  assert.deepEqual([approved.value.command.id, approved.value.command.state], [id, 'running']);
  const job = await onlyJob(await pve2.poll());
  assert.equal(job.digest, waiting.digest);
  await pve2.say(job, 'started', { state: 'succeeded', result: { already: false } });
  const view = await made.control.orders.command(id);
  assert.deepEqual(
    [view?.state, view?.principal, view?.intents],
    ['succeeded', 'token:phone', [waiting.digest]],
  );
  assert.deepEqual(await made.control.approvals.list(), []);
});

test('threat 4: an approval is good once: again, by another, at once or after the end', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = await awake(made);
  const { id, waiting } = await ask(made);
  const signed = await sign(made, waiting);
  const answers = await Promise.all(Array.from({ length: 6 }, () => approve(made, id, signed)));
  assert.deepEqual(answers.map(reasonOf).sort(), [...Array(5).fill('approval_over'), 'ok']);
  const { jobs } = await pve2.poll();
  assert.equal(jobs.length, 1);
  await pve2.say(await onlyJob({ jobs } as never), 'started', {
    state: 'succeeded',
    result: { already: false },
  });
  assert.equal(reasonOf(await approve(made, id, signed)), 'approval_over');
  assert.equal(reasonOf(await made.control.approvals.deny(made.operator('approvals'), id)), 'approval_over');
  // Nor are the same bytes an order of their own.
  const submitted = await made.control.orders.submit(made.operator('guest.stop@gaming'), {
    order: stopGaming,
    intent: waiting.intent,
    ...signed,
  });
  assert.equal(reasonOf(submitted), 'intent_used');
  assert.deepEqual((await pve2.poll()).jobs, []);
});

test('the same Idempotency-Key approves once and is answered alike', async (t) => {
  const made = await makeControlHome(t);
  await awake(made);
  const { id, waiting } = await ask(made);
  const signed = await sign(made, waiting);
  const answers = await Promise.all(Array.from({ length: 4 }, () => approve(made, id, signed, 'k1')));
  assert.deepEqual(answers.map(reasonOf), ['ok', 'ok', 'ok', 'ok']);
  assert.equal(answers.filter((answer) => answer.ok && !answer.value.replayed).length, 1);
});

test('threat 6: nothing but the operator’s signature of these bytes, of this home, as an intent, approves', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = await awake(made);
  const { id, waiting } = await ask(made);
  const other = await ask(made, { action: 'guest.stop', target: 'devtop', params: {} });
  for (const [change, reason] of [
    [{ by: made.home.root }, 'authorisation_invalid'],
    [{ by: made.home.controller }, 'not_granted'],
    [{ by: made.home.relays.pve2!.signing }, 'authorisation_invalid'],
    [{ home: 'h_00000000000000000000000000' }, 'home_wrong'],
    [{ kind: 'release' }, 'authorisation_invalid'],
    [{ digest: other.waiting.digest }, 'authorisation_of_another_intent'],
  ] as const) {
    assert.equal(reasonOf(await approve(made, id, await sign(made, waiting, change))), reason, reason);
  }
  const release = await made.home.release([{ relay: 'pve2', target: 'gaming' }]);
  assert.equal(reasonOf(await approve(made, id, release)), 'authorisation_invalid');
  assert.equal(
    reasonOf(await approve(made, id, await sign(made, other.waiting))),
    'authorisation_of_another_intent',
  );
  assert.deepEqual((await pve2.poll()).jobs, []);
  assert.equal((await made.control.orders.command(id))?.state, 'waiting');
  assert.equal((await approve(made, id, await sign(made, waiting))).ok, true);
});

test('threat 6: another identity that may order the same is not the operator', async (t) => {
  const may = [{ action: 'guest.start', on: ['gaming'], limit: '20/1h' }];
  const made = await makeControlHome(t, { controllerMay: may });
  await awake(made, 'stopped');
  const { id, waiting } = await ask(made);
  await amend(made, (document) => {
    document.identities[controllerName]!.may.push({ action: 'guest.stop', on: ['gaming'], limit: '20/1h' });
  });
  const forged = await sign(made, waiting, { by: made.home.controller });
  assert.equal(reasonOf(await approve(made, id, forged)), 'authorisation_invalid');
});

test('what waits holds nothing; what holds its target is named when it is approved, and it waits on', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = await awake(made, 'stopped');
  const { id, waiting } = await ask(made);
  const start: Order = { action: 'guest.start', target: 'gaming', params: {} };
  const started = await made.control.orders.order(made.token('guest.start@gaming'), start);
  assert.ok(started.ok);
  const refused = await approve(made, id, await sign(made, waiting));
  assert.ok(!refused.ok && refused.reason === 'locked' && refused.heldBy === started.value.command.id);
  const job = await onlyJob(await pve2.poll());
  await pve2.say(job, 'started', { state: 'succeeded', result: { already: false } });
  assert.equal(reasonOf(await approve(made, id, await sign(made, waiting))), 'ok');
});

test('threat 25: so many orders of one token wait and no more, also of many at once; another’s wait beside them', async (t) => {
  const made = await makeControlHome(t);
  const grant = made.token('guest.stop@gaming');
  const asks = await Promise.all(
    Array.from({ length: maxWaitingOrders + 4 }, (_, index) =>
      made.control.orders.order(grant, stopGaming, {
        idempotency: { key: `k${index}`, route: 'POST x', body: `sha256:${'a'.repeat(64)}` },
      }),
    ),
  );
  assert.equal(asks.filter(({ ok }) => ok).length, maxWaitingOrders);
  assert.deepEqual([...new Set(asks.filter(({ ok }) => !ok).map(reasonOf))], ['approvals_full']);
  const another = {
    ...grant,
    principal: { ...grant.principal, id: 'tok_01ARZ3NDEKTSV4RRFFQ69G5FAW' },
  } as typeof grant;
  assert.equal(reasonOf(await made.control.orders.order(another, stopGaming)), 'ok');
  const [one] = await made.control.approvals.list();
  assert.ok((await made.control.approvals.deny(made.operator('approvals'), one!.command.id)).ok);
  const list = await made.control.approvals.list();
  const mine = list.filter(({ command }) => command.id !== one!.command.id);
  assert.equal(mine.length, maxWaitingOrders);
});

test('who asks twice for the same waits once', async (t) => {
  const made = await makeControlHome(t);
  const { id } = await ask(made);
  assert.equal((await ask(made)).id, id);
  assert.notEqual((await ask(made, { action: 'guest.stop', target: 'devtop', params: {} })).id, id);
});

test('threat 17: a grant of another right lists, approves and denies nothing', async (t) => {
  const made = await makeControlHome(t);
  const { id, waiting } = await ask(made);
  const grant = made.operator('guest.stop@gaming');
  assert.equal(
    reasonOf(await made.control.approvals.approve(grant, id, await sign(made, waiting))),
    'forbidden',
  );
  assert.equal(reasonOf(await made.control.approvals.deny(grant, id)), 'forbidden');
});

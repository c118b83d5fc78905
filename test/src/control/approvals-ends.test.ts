import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Order } from '../../../schema/api/orders.ts';
import { operatorName } from '../../../schema/trust/document.ts';
import { approvalWaitMs } from '../../../schema/wire/limits.ts';
import { amend, approve, ask, awake, reasonOf, sign, stopGaming } from '../../support/approvals.ts';
import { grantOf, makeControlHome, onlyJob } from '../../support/control-home.ts';

test('threat 4: what was not approved in time ends, is approved no more, and says so', async (t) => {
  const made = await makeControlHome(t);
  await awake(made);
  const { id, waiting } = await ask(made);
  assert.equal(waiting.until, made.clock.now() + approvalWaitMs);
  const signed = await sign(made, waiting);
  assert.equal(await made.control.upkeep.sweep(), waiting.until);
  made.clock.advance(approvalWaitMs);
  await made.restart();
  assert.equal(reasonOf(await approve(made, id, signed)), 'approval_over');
  const view = await made.control.orders.command(id);
  assert.deepEqual(
    [view?.state, view?.code, view?.ended_at],
    ['expired', 'approval_expired', made.clock.now()],
  );
  assert.equal(view?.sentence, 'Could not stop gaming: it was not approved in time. Nothing was changed.');

  const second = await ask(made);
  const followed = made.control.orders.wait(second.id, 10 * approvalWaitMs, new AbortController().signal);
  made.clock.advance(approvalWaitMs);
  await made.control.upkeep.sweep();
  assert.equal((await followed)?.code, 'approval_expired');
  assert.deepEqual(await made.control.approvals.list(), []);
});

test('what is denied ends, whatever was signed for it, and denying it again says the same', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = await awake(made);
  const { id, waiting } = await ask(made);
  const deny = () => made.control.approvals.deny(made.operator('approvals'), id);
  const denied = await deny();
  assert.ok(denied.ok);
  assert.deepEqual([denied.value.state, denied.value.code], ['refused', 'approval_denied']);
  assert.equal(denied.value.sentence, 'Could not stop gaming: it was not approved. Nothing was changed.');
  assert.deepEqual(await deny(), denied);
  assert.equal(reasonOf(await approve(made, id, await sign(made, waiting))), 'approval_over');
  assert.deepEqual((await pve2.poll()).jobs, []);
  const nobody = 'cmd_01ARZ3NDEKTSV4RRFFQ69G5FAV';
  assert.equal(
    reasonOf(await made.control.approvals.deny(made.operator('approvals'), nobody)),
    'command_unknown',
  );
  assert.equal(reasonOf(await approve(made, nobody, await sign(made, waiting))), 'command_unknown');
});

test('of an approval and a denial at once exactly one is', async (t) => {
  const made = await makeControlHome(t);
  await awake(made);
  const { id, waiting } = await ask(made);
  const signed = await sign(made, waiting);
  const answers = await Promise.all([
    approve(made, id, signed),
    made.control.approvals.deny(made.operator('approvals'), id),
  ]);
  assert.deepEqual(answers.map(reasonOf).sort(), ['approval_over', 'ok']);
  const view = await made.control.orders.command(id);
  assert.equal(view?.state, answers[0].ok ? 'running' : 'refused');
});

test('threat 1: a grant that the operator has no more approves nothing, and what waits for it ends', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = await awake(made);
  const { id, waiting } = await ask(made);
  const signed = await sign(made, waiting);
  await amend(made, (document) => {
    const operator = document.identities[operatorName]!;
    operator.may = operator.may.filter(({ action }) => action !== 'guest.stop');
  });
  const view = await made.control.orders.command(id);
  assert.deepEqual([view?.state, view?.code], ['refused', 'trust_changed']);
  const late = await approve(made, id, signed);
  assert.ok(!late.ok && late.reason === 'approval_over');
  assert.match(late.detail, /Could not stop gaming: the trust document was changed meanwhile\./);
  const asked = await made.control.orders.order(made.token('guest.stop@gaming'), stopGaming);
  assert.ok(!asked.ok && asked.reason === 'not_granted');
  assert.match(asked.detail, /operator may not order guest\.stop on gaming/);
  assert.deepEqual((await pve2.poll()).jobs, []);
});

test('what would be done otherwise by now ends instead of being done', async (t) => {
  const made = await makeControlHome(t, { controllerMay: [] });
  const pve2 = await awake(made, 'stopped');
  const start: Order = { action: 'guest.start', target: 'gaming', params: {} };
  const rival = await ask(made, start, ['guest.start@gaming', 'guest.shutdown@devtop']);
  await pve2.reportGuests({ gaming: 'stopped', devtop: 'running' });
  const refused = await approve(made, rival.id, await sign(made, rival.waiting));
  assert.ok(!refused.ok && refused.reason === 'plan_outdated');
  assert.match(
    refused.detail,
    /^It would be done otherwise now: More would have to be done than was asked\. Nothing was done\.$/,
  );
  const ended = await made.control.orders.command(rival.id);
  assert.deepEqual([ended?.state, ended?.code], ['refused', 'plan_outdated']);
  assert.equal(
    ended?.sentence,
    'Could not start gaming: the house is otherwise than when it was asked. Nothing was changed.',
  );

  // A rival that went away since is no reason: its step ends as already so.
  const both = await ask(made, start, ['guest.start@gaming', 'guest.shutdown@devtop']);
  await pve2.reportGuests({ gaming: 'stopped', devtop: 'stopped' });
  assert.equal(reasonOf(await approve(made, both.id, await sign(made, both.waiting))), 'ok');
});

test('a runbook with a step beyond the controller waits as one, for all its relays, and as it was then', async (t) => {
  const may = [{ action: 'guest.start', on: ['gaming'], limit: '20/1h' }];
  const made = await makeControlHome(t, { controllerMay: may });
  const file = (await made.control.house.file())!;
  const steps = [
    { action: 'host.wake', target: 'pve2', params: {}, even_if_failed: false },
    { action: 'guest.stop', target: 'devtop', params: {}, even_if_failed: false },
    { action: 'guest.start', target: 'gaming', params: {}, even_if_failed: false },
  ];
  const put = async (change: typeof steps) => {
    const runbooks = { ...file.runbooks, night: { title: 'Night', steps: change } };
    assert.ok((await made.control.house.upload(made.operator('house'), { ...file, runbooks })).ok);
  };
  await put(steps);
  const first = await ask(made, { runbook: 'night' });
  const pve1 = made.relay('pve1');
  assert.equal(reasonOf(await approve(made, first.id, await sign(made, first.waiting))), 'ok');
  const job = await onlyJob(await pve1.poll());
  assert.deepEqual(
    job.intent.steps.map(({ relay, action }) => `${relay} ${action}`),
    ['pve1 host.wake', 'pve2 guest.stop', 'pve2 guest.start'],
  );

  const second = await ask(made, { runbook: 'night' });
  await put(steps.slice(0, 2));
  assert.equal(reasonOf(await approve(made, second.id, await sign(made, second.waiting))), 'plan_outdated');
});

test('the audit log says what was asked, approved by its digest, denied and not approved in time', async (t) => {
  const made = await makeControlHome(t);
  await awake(made);
  const one = await ask(made);
  await approve(made, one.id, await sign(made, one.waiting));
  const two = await ask(made, { action: 'guest.stop', target: 'devtop', params: {} });
  await made.control.approvals.deny(made.operator('approvals'), two.id);
  const three = await ask(made, { action: 'guest.stop', target: 'websvcs', params: {} });
  made.clock.advance(approvalWaitMs);
  await made.control.upkeep.sweep();
  const entries: string[] = [];
  for await (const line of made.control.audit.export()) {
    const { event, principal, facts } = JSON.parse(line) as {
      event: string;
      principal: string;
      facts: { command?: string; intent?: string; code?: string };
    };
    const which = [one, two, three].findIndex(({ id }) => id === facts.command);
    const digest = facts.intent === [one, two, three][which]?.waiting.digest ? 'its digest' : facts.code;
    if (which >= 0) entries.push(`${which + 1} ${event} by ${principal}: ${digest}`);
  }
  assert.deepEqual(entries, [
    '1 command.asked by token:phone: its digest',
    '1 command.approved by operator: its digest',
    '2 command.asked by token:phone: its digest',
    '2 command.denied by operator: its digest',
    '2 command.refused by controller: approval_denied',
    '3 command.asked by token:phone: its digest',
    '3 command.expired by controller: approval_expired',
  ]);
});

test('threat 25: what a revoked token asked for waits no more; what another asked for does', async (t) => {
  const made = await makeControlHome(t);
  const scope = ['guest.stop@gaming'];
  const created = await made.control.tokens.create(made.operator('tokens'), {
    name: 'phone',
    scope,
    days: 1,
  });
  assert.ok(created.ok);
  const grant = {
    ...made.token('guest.stop@gaming'),
    principal: { kind: 'token', id: created.value.view.id, name: 'phone', scope },
  } as ReturnType<typeof made.token>;
  const asked = await made.control.orders.order(grant, stopGaming);
  assert.ok(asked.ok);
  const other = await ask(made);
  await made.control.tokens.revokeLeaked(created.value.view.id, 'url');
  const view = await made.control.orders.command(asked.value.command.id);
  assert.deepEqual([view?.state, view?.code], ['refused', 'token_revoked']);
  assert.deepEqual(
    (await made.control.approvals.list()).map(({ command }) => command.id),
    [other.id],
  );
});

test('threat 25: what a token asked for while it was being revoked waits for nobody', async (t) => {
  const made = await makeControlHome(t);
  await awake(made);
  const { operator, control } = made;
  const scope = ['guest.stop@gaming'];
  const created = await control.tokens.create(operator('tokens'), { name: 'phone', scope, days: 1 });
  assert.ok(created.ok);
  const { id } = created.value.view;
  // Its request was let in, and its body came after the revocation.
  const late = grantOf({ kind: 'token', id, name: 'phone', scope }, 'guest.stop@gaming');
  await control.tokens.revoke(operator('tokens'), id);
  const asked = await control.orders.order(late, stopGaming);
  assert.ok(asked.ok);
  assert.deepEqual([asked.value.command.state, asked.value.command.code], ['refused', 'token_revoked']);
  assert.deepEqual(await control.approvals.list(), []);
});

test('threat 25: what waits ends where all tokens were revoked at once, as when a home moves', async (t) => {
  const made = await makeControlHome(t);
  await awake(made);
  const { operator, control, store, clock } = made;
  const scope = ['guest.stop@gaming'];
  const created = await control.tokens.create(operator('tokens'), { name: 'phone', scope, days: 1 });
  assert.ok(created.ok);
  const { id } = created.value.view;
  const grant = grantOf({ kind: 'token', id, name: 'phone', scope }, 'guest.stop@gaming');
  const asked = await control.orders.order(grant, stopGaming);
  assert.ok(asked.ok && asked.value.command.state === 'waiting');
  const note = { time: clock.now(), event: 'home.moved', principal: 'operator', facts: {} };
  await store.tokens.revokeAll(clock.now(), note);
  await amend(made, () => {});
  const view = await control.orders.command(asked.value.command.id);
  assert.deepEqual([view?.state, view?.code], ['refused', 'token_revoked']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Order } from '../../../schema/api/orders.ts';
import { decodeBase64url } from '../../../schema/jose/base64url.ts';
import { digestOf } from '../../../schema/jose/digest.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import type { SigningKey } from '../../../schema/jose/keys.ts';
import { controllerName, operatorName } from '../../../schema/trust/document.ts';
import { approvalWaitMs, maxWaitingOrders } from '../../../schema/wire/limits.ts';
import type { Answer, Reason } from '../../../src/domain/errors.ts';
import { type ControlHome, makeControlHome, onlyJob, provedIf } from '../../support/control-home.ts';

const stopGaming: Order = { action: 'guest.stop', target: 'gaming', params: {} };
const reasonOf = (answer: Answer<unknown, Reason>): string => (answer.ok ? 'ok' : answer.reason);

/** Has a phone ask for what the controller may not order, and gives what then waits. */
async function ask(made: ControlHome, order: Order = stopGaming, scope?: readonly string[]) {
  const permission = 'runbook' in order ? `run@${order.runbook}` : `${order.action}@${order.target}`;
  const asked = await made.control.orders.order(made.token(permission, scope), order);
  assert.ok(asked.ok, JSON.stringify(asked));
  assert.equal(asked.value.command.state, 'waiting');
  const { id } = asked.value.command;
  const found = (await made.control.approvals.list()).find(({ command }) => command.id === id);
  assert.ok(found);
  return { id, waiting: found };
}

/** The operator's signature of the bytes that wait, or another's, or of something else. */
async function sign(
  made: ControlHome,
  { intent }: { intent: string },
  change: { by?: SigningKey; home?: string; kind?: 'intent' | 'release'; digest?: string } = {},
) {
  const bytes = decodeBase64url(intent);
  assert.ok(bytes.ok);
  const { by = made.home.operator, ...said } = change;
  const digest = await digestOf('intent', bytes.value);
  return {
    authorisation: await signJws('intent', { home: made.home.id, kind: 'intent', digest, ...said }, by),
  };
}

const approve = (made: ControlHome, id: string, request: { authorisation: string }, key?: string) =>
  made.control.approvals.approve(made.operator('approvals'), id, request, {
    ...(key && { idempotency: { key, route: 'POST x', body: `sha256:${'a'.repeat(64)}` } }),
  });

async function awake(made: ControlHome, gaming: 'running' | 'stopped' = 'running') {
  const pve2 = made.relay('pve2');
  await pve2.poll();
  await pve2.reportGuests({ gaming, devtop: 'stopped' });
  return pve2;
}

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

type Amended = { identities: Record<string, { may: { action: string; on: string[]; limit?: string }[] }> };

/** Puts a next version of trust into force. */
async function amend(made: ControlHome, change: (document: Amended) => void): Promise<void> {
  await made.home.amend((document) => {
    const next = structuredClone(document);
    change(next as unknown as Amended);
    return next;
  });
  assert.ok((await made.control.trust.upload([made.home.versions.at(-1)!], async () => provedIf(true))).ok);
}

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

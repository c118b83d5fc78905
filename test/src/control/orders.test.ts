import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { digestOf, toBytes } from '../../../schema/jose/digest.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import { parseIntent } from '../../../schema/wire/intent.ts';
import type { Answer, Reason } from '../../../src/domain/errors.ts';
import { makeControlHome, onlyJob } from '../../support/control-home.ts';

const start = (target: string) => ({ action: 'guest.start', target, params: {} });
const reasonOf = (answer: Answer<unknown, Reason>): string => (answer.ok ? 'ok' : answer.reason);
const use = (key: string, body = 'a') => ({
  idempotency: { key, route: 'POST /v1/guests/gaming/start', body: `sha256:${body.repeat(64)}` },
});

test('a conflict names the holder, and nothing of the second order is stored', async (t) => {
  const made = await makeControlHome(t);
  const first = await made.control.orders.order(made.token('guest.start@gaming'), start('gaming'));
  assert.ok(first.ok);
  const second = await made.control.orders.order(made.token('guest.start@devtop'), start('devtop'));
  assert.ok(!second.ok && second.reason === 'locked');
  assert.equal(second.heldBy, first.value.command.id);
  assert.equal(
    second.detail,
    'Could not start devtop: token:phone ordered to start gaming, which is not done yet.',
  );
  assert.equal((await made.control.orders.commands({})).length, 1);
});

test('of two orders at once that conflict exactly one is accepted', async (t) => {
  const made = await makeControlHome(t);
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) => {
      const target = index % 2 === 0 ? 'gaming' : 'devtop';
      return made.control.orders.order(made.token(`guest.start@${target}`), start(target));
    }),
  );
  assert.equal(answers.filter((answer) => answer.ok).length, 1);
  assert.ok(answers.every((answer) => answer.ok || answer.reason === 'locked'));
  assert.equal((await made.control.orders.commands({})).length, 1);
});

test('two guests without a common resource are started at once', async (t) => {
  const may = [{ action: 'guest.start', on: ['gaming', 'websvcs'], limit: '20/1h' }];
  const made = await makeControlHome(t, { controllerMay: may });
  await made.relay('pve2').poll();
  for (const target of ['gaming', 'websvcs']) {
    assert.ok((await made.control.orders.order(made.token(`guest.start@${target}`), start(target))).ok);
  }
});

test('the same idempotency key gives the same command, another body a mismatch', async (t) => {
  const made = await makeControlHome(t);
  const grant = made.token('guest.start@gaming');
  const first = await made.control.orders.order(grant, start('gaming'), use('k1'));
  const again = await made.control.orders.order(grant, start('gaming'), use('k1'));
  assert.ok(first.ok && again.ok);
  assert.equal(again.value.command.id, first.value.command.id);
  assert.deepEqual([first.value.replayed, again.value.replayed], [false, true]);
  assert.equal(
    reasonOf(await made.control.orders.order(grant, start('gaming'), use('k1', 'b'))),
    'idempotency_mismatch',
  );
  // Another principal's key of the same text is another key.
  const other = await made.control.orders.order(
    made.operator('guest.start@gaming'),
    start('gaming'),
    use('k1'),
  );
  assert.equal(reasonOf(other), 'locked');
});

test('the same idempotency key at once is one command', async (t) => {
  const made = await makeControlHome(t);
  const grant = made.token('guest.start@gaming');
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => made.control.orders.order(grant, start('gaming'), use('k1'))),
  );
  const ids = new Set(answers.map((answer) => (answer.ok ? answer.value.command.id : answer.reason)));
  assert.equal(ids.size, 1);
  assert.equal(answers.filter((answer) => answer.ok && !answer.value.replayed).length, 1);
  assert.equal((await made.control.orders.commands({})).length, 1);
});

test('what the controller may not order names the operator the command line that does it', async (t) => {
  const made = await makeControlHome(t);
  for (const [action, target, line] of [
    ['guest.stop', 'devtop', 'writ stop devtop'],
    ['app.command', 'devtop/wiki/reindex', 'writ run devtop/wiki/reindex'],
  ] as const) {
    const operator = made.operator(`${action}@${target}`);
    const answer = await made.control.orders.order(operator, { action, target, params: {} });
    assert.ok(!answer.ok && answer.reason === 'needs_operator');
    assert.equal(answer.commandLine, line);
  }
  assert.deepEqual(await made.control.orders.commands({}), []);
});

test('a grant of one order is none of another', async (t) => {
  const made = await makeControlHome(t);
  assert.equal(
    reasonOf(await made.control.orders.order(made.token('guest.start@devtop'), start('gaming'))),
    'forbidden',
  );
});

test('a token that may start but not shut the rival down is refused while that one runs', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = made.relay('pve2');
  await pve2.poll();
  await pve2.reportGuests({ devtop: 'running', gaming: 'stopped' });
  assert.equal(
    reasonOf(await made.control.orders.order(made.token('guest.start@gaming'), start('gaming'))),
    'rival_not_covered',
  );
  const runbook = await made.control.orders.order(made.token('run@start-gaming'), {
    runbook: 'start-gaming',
  });
  assert.ok(runbook.ok);
  assert.deepEqual(
    runbook.value.command.steps.map((step) => `${step.action} ${step.target}`),
    ['guest.shutdown devtop', 'guest.start gaming'],
  );
  const just = await made.control.orders.order(made.token('run@just-gaming'), { runbook: 'just-gaming' });
  assert.equal(reasonOf(just), 'rival_not_covered');
});

test('nothing is ordered under an expired trust document, nor before there is one', async (t) => {
  const expired = await makeControlHome(t, { expires: '2027-01-01T00:00:00Z' });
  assert.equal(
    reasonOf(await expired.control.orders.order(expired.token('guest.start@gaming'), start('gaming'))),
    'trust_expired',
  );
  const unclaimed = await makeControlHome(t, { claim: false });
  assert.equal(
    reasonOf(await unclaimed.control.orders.order(unclaimed.token('guest.start@gaming'), start('gaming'))),
    'not_set_up',
  );
  assert.equal(await unclaimed.control.house.status(), null);
});

const stop = { action: 'guest.stop', target: 'devtop', params: {} };

async function signedPlan(made: Awaited<ReturnType<typeof makeControlHome>>, by = made.home.operator) {
  const plan = await made.control.orders.plan(made.operator('guest.stop@devtop'), stop);
  assert.ok(plan.ok);
  assert.equal(plan.value.controller_may, false);
  const payload = { home: made.home.id, kind: 'intent', digest: plan.value.digest };
  return { order: stop, intent: plan.value.intent, authorisation: await signJws('intent', payload, by) };
}

test('what the operator signed is carried out with its very bytes', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = made.relay('pve2');
  await pve2.poll();
  const request = await signedPlan(made);
  const answer = await made.control.orders.submit(made.operator('guest.stop@devtop'), request);
  assert.ok(answer.ok);
  const job = await onlyJob(await pve2.poll());
  assert.equal(job.job.intent, request.intent);
  assert.equal(job.job.authorisation, request.authorisation);

  const twice = await made.control.orders.submit(made.operator('guest.stop@devtop'), request);
  assert.equal(reasonOf(twice), 'intent_used');
});

test('a signed intent is refused for anything that is wrong with it', async (t) => {
  const made = await makeControlHome(t);
  await made.relay('pve2').poll();
  const good = await signedPlan(made);
  const submit = async (request: typeof good) =>
    reasonOf(await made.control.orders.submit(made.operator('guest.stop@devtop'), request));
  const sign = async (intent: object, home = made.home.id) => {
    const bytes = toBytes(JSON.stringify(intent));
    const digest = await digestOf('intent', bytes);
    return {
      order: stop,
      intent: encodeBase64url(bytes),
      authorisation: await signJws('intent', { home, kind: 'intent', digest }, made.home.operator),
    };
  };
  const parsed = parseIntent(Buffer.from(good.intent, 'base64url'));
  assert.ok(parsed.ok);
  const intent = parsed.value;

  assert.equal(await submit({ ...good, intent: 'not base64url!' }), 'intent_malformed');
  const byRelay = await signedPlan(made, made.home.relays.pve2!.signing);
  assert.equal(await submit(byRelay), 'authorisation_invalid');
  assert.equal(
    await submit({ ...good, intent: (await signedPlan(made)).intent }),
    'authorisation_of_another_intent',
  );
  assert.equal(await submit(await sign({ ...intent, home: 'h_01ARZ3NDEKTSV4RRFFQ69G5FAV' })), 'home_wrong');
  assert.equal(await submit(await sign(intent, 'h_01ARZ3NDEKTSV4RRFFQ69G5FAV')), 'home_wrong');
  const now = made.clock.now();
  assert.equal(
    await submit(await sign({ ...intent, issued_at: now - 2000, expires: now - 1000 })),
    'intent_expired',
  );
  assert.equal(
    await submit(await sign({ ...intent, issued_at: now + 60_000, expires: now + 120_000 })),
    'intent_from_the_future',
  );
  const step = intent.steps.at(-1)!;
  assert.equal(await submit(await sign({ ...intent, steps: [{ ...step, relay: 'pve1' }] })), 'relay_wrong');
  assert.equal(
    await submit(await sign({ ...intent, steps: [{ ...step, target: 'nobody' }] })),
    'target_unknown',
  );
  assert.equal(
    await submit(await sign({ ...intent, steps: [{ ...step, action: 'guest.explode' }] })),
    'action_unknown',
  );
  assert.equal(
    await submit(await sign({ ...intent, steps: [{ ...step, params: { force: true } }] })),
    'params_invalid',
  );
  assert.equal(
    await submit(await sign({ ...intent, steps: [{ ...step, target: 'gaming' }] })),
    'intent_not_of_order',
  );
  assert.equal(await submit(await sign({ ...intent, steps: [step, step] })), 'intent_not_of_order');
  assert.deepEqual(await made.control.orders.commands({}), []);
  assert.equal(await submit(good), 'ok');
});

test('waiting ends with the command, with the time, or with the caller', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = made.relay('pve2');
  await pve2.poll();
  await pve2.reportGuests({ devtop: 'stopped', gaming: 'stopped' });
  const accepted = await made.control.orders.order(made.token('guest.start@gaming'), start('gaming'));
  assert.ok(accepted.ok);
  const { id } = accepted.value.command;
  const gone = new AbortController();
  const leaving = made.control.orders.wait(id, 60_000, gone.signal);
  gone.abort();
  assert.equal((await leaving)?.state, 'running');
  assert.equal((await made.control.orders.wait(id, 0, new AbortController().signal))?.state, 'running');
  assert.equal(await made.control.orders.wait('cmd_nobody', 60_000, new AbortController().signal), null);
  const waiting = made.control.orders.wait(id, 60_000, new AbortController().signal);
  const job = await onlyJob(await pve2.poll());
  await pve2.say(job, 'started', { state: 'failed', code: 'agent_silent' });
  const ended = await waiting;
  assert.equal(ended?.state, 'failed');
  assert.equal(ended?.code, 'agent_silent');
});

test('a refused step tells that nothing was changed after it', async (t) => {
  const made = await makeControlHome(t);
  const pve2 = made.relay('pve2');
  await pve2.poll();
  await pve2.reportGuests({ devtop: 'running', gaming: 'stopped' });
  const grant = made.token('guest.start@gaming', ['guest.start@gaming', 'guest.shutdown@devtop']);
  const accepted = await made.control.orders.order(grant, start('gaming'));
  assert.ok(accepted.ok);
  await pve2.say(await onlyJob(await pve2.poll()), { state: 'refused', code: 'in_use' });
  const view = await made.control.orders.command(accepted.value.command.id);
  assert.equal(view?.state, 'refused');
  assert.equal(view?.code, 'in_use');
  assert.equal(view?.sentence, 'Could not start gaming: devtop is in use. Nothing was changed.');
  assert.deepEqual(
    view?.steps.map((step) => step.state),
    ['refused', 'skipped'],
  );
  assert.deepEqual(await made.store.commands.held(), []);
});

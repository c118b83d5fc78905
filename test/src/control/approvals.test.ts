import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Order } from '../../../schema/api/orders.ts';
import { decodeBase64url } from '../../../schema/jose/base64url.ts';
import { digestOf } from '../../../schema/jose/digest.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import type { SigningKey } from '../../../schema/jose/keys.ts';
import { parseIntent } from '../../../schema/wire/intent.ts';
import { approvalWaitMs, maxWaitingOrders } from '../../../schema/wire/limits.ts';
import type { Answer, Reason } from '../../../src/domain/errors.ts';
import { type ControlHome, makeControlHome, onlyJob } from '../../support/control-home.ts';

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

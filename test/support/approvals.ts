import assert from 'node:assert/strict';
import type { Order } from '../../schema/api/orders.ts';
import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { digestOf } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import type { Answer, Reason } from '../../src/domain/errors.ts';
import { type ControlHome, provedIf } from './control-home.ts';

/** What the controller of a test home may not order, and its operator may. */
export const stopGaming: Order = { action: 'guest.stop', target: 'gaming', params: {} };
export const reasonOf = (answer: Answer<unknown, Reason>): string => (answer.ok ? 'ok' : answer.reason);

/** Has a phone ask for what the controller may not order, and gives what then waits. */
export async function ask(made: ControlHome, order: Order = stopGaming, scope?: readonly string[]) {
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
export async function sign(
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

/** Approves as the operator's CLI does. */
export const approve = (made: ControlHome, id: string, request: { authorisation: string }, key?: string) =>
  made.control.approvals.approve(made.operator('approvals'), id, request, {
    ...(key && { idempotency: { key, route: 'POST x', body: `sha256:${'a'.repeat(64)}` } }),
  });

/** Lets the tower report that it is awake, and how gaming stands. */
export async function awake(made: ControlHome, gaming: 'running' | 'stopped' = 'running') {
  const pve2 = made.relay('pve2');
  await pve2.poll();
  await pve2.reportGuests({ gaming, devtop: 'stopped' });
  return pve2;
}

type Amended = { identities: Record<string, { may: { action: string; on: string[]; limit?: string }[] }> };

/** Puts a next version of trust into force. */
export async function amend(made: ControlHome, change: (document: Amended) => void): Promise<void> {
  await made.home.amend((document) => {
    const next = structuredClone(document);
    change(next as unknown as Amended);
    return next;
  });
  assert.ok((await made.control.trust.upload([made.home.versions.at(-1)!], async () => provedIf(true))).ok);
}

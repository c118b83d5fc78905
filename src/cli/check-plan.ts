import { actionOf } from '../../schema/actions/index.ts';
import { lifetimeOf } from '../../schema/actions/lifetime.ts';
import type { Order, Plan } from '../../schema/api/orders.ts';
import { type Item, isPlanOf, itemsOfRunbook } from '../../schema/api/plan-of.ts';
import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { type Digest, digestOf } from '../../schema/jose/digest.ts';
import type { Runbook } from '../../schema/manifest/house.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { operatorName } from '../../schema/trust/document.ts';
import { evaluateIntent } from '../../schema/trust/evaluate.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { type Intent, parseIntent, type Step } from '../../schema/wire/intent.ts';
import { clockSkewMs } from '../../schema/wire/limits.ts';

export type CheckedPlan = {
  readonly intent: Intent;
  /** Of the very bytes that are signed. */
  readonly digest: Digest;
  /** Steps that the owner did not name, and must agree to: other guests that are shut down, a runbook's steps. */
  readonly toConfirm: readonly Step[];
};

export type PlanRefusal = 'plan_malformed' | 'plan_digest' | 'plan_exceeds_order' | 'plan_not_granted';

/**
 * Judges a plan that the control plane made, before the owner's key signs it: the bytes are those of the digest,
 * of this home and of now, for no longer than its steps need, no step is there that the order does not imply, and
 * what was ordered comes after all the others. A taken control plane would show one thing and have another signed.
 * Of a runbook that is not known here, the steps are the owner's to judge.
 *
 * @param signer the identity whose key is to sign it, within its own grants
 * @param waitMs how long it may have waited for this signature
 */
export async function checkPlan(
  trust: Trust,
  order: Order,
  plan: Pick<Plan, 'intent' | 'digest'>,
  now: number,
  runbook: Runbook | null = null,
  signer: string = operatorName,
  waitMs = 0,
): Promise<Result<CheckedPlan, PlanRefusal>> {
  const bytes = decodeBase64url(plan.intent);
  if (!bytes.ok) return refuse('plan_malformed', 'the bytes are not canonical base64url');
  const digest = await digestOf('intent', bytes.value);
  if (digest !== plan.digest) return refuse('plan_digest', 'the digest is not that of the bytes');
  const parsed = parseIntent(bytes.value);
  if (!parsed.ok) return refuse('plan_malformed', parsed.detail);
  const intent = parsed.value;
  if (intent.home !== trust.document.home)
    return refuse('plan_malformed', `it is of another home, ${intent.home}`);
  if (intent.issued_at > now + clockSkewMs) {
    return refuse('plan_malformed', 'it was made in the future: compare the clocks of both computers');
  }
  if (intent.expires <= now) {
    return refuse('plan_malformed', 'it has expired already: compare the clocks of both computers');
  }
  const may = evaluateIntent(trust, signer, intent);
  if (!may.ok) return refuse('plan_not_granted', may.detail ?? may.reason);
  if (intent.expires > now + waitMs + lifetimeOf(intent.steps) + clockSkewMs) {
    return refuse('plan_malformed', 'it would be good for longer than its steps need');
  }

  if ('runbook' in order) {
    const beyond = runbook === null ? null : beyondRunbook(trust, runbook, intent.steps);
    if (beyond !== null) return refuse('plan_exceeds_order', beyond);
    return ok({ intent, digest, toConfirm: intent.steps });
  }
  const toConfirm: Step[] = [];
  let ordered = 0;
  for (const step of intent.steps) {
    const kind = classify(trust, order, step);
    if (kind === 'ordered') ordered += 1;
    else if (kind === 'rival') toConfirm.push(step);
    else if (kind === 'foreign') {
      return refuse('plan_exceeds_order', `it would also ${inWords(step)}, which the order does not imply`);
    }
  }
  if (ordered !== 1)
    return refuse('plan_exceeds_order', `it does what was ordered ${ordered} times instead of once`);
  if (!lastWaitsForAll(intent.steps)) {
    return refuse(
      'plan_exceeds_order',
      'what was ordered would not wait for all that has to be done before it',
    );
  }
  return ok({ intent, digest, toConfirm });
}

/** What a plan holds that its runbook does not imply, in words; null when it is all as the runbook says. */
function beyondRunbook(trust: Trust, runbook: Runbook, steps: readonly Step[]): string | null {
  const items = itemsOfRunbook(runbook);
  if (!isPlanOf(steps, items)) return 'its steps are not those of the runbook that was uploaded from here';
  for (const step of steps) {
    const kinds = items.map((item) => classify(trust, item, step));
    if (kinds.every((kind) => kind === 'foreign')) {
      return `it would also ${inWords(step)}, which the runbook does not imply`;
    }
  }
  return inSequence(items, steps) ? null : 'its steps would not wait for one another as the runbook says';
}

/** Whether each step of a runbook waits for the one before it, directly or by others. */
function inSequence(items: readonly Item[], steps: readonly Step[]): boolean {
  const waits = steps.map((): Set<number> => new Set());
  steps.forEach((step, index) => {
    for (const { step: before } of step.after) {
      if (before >= index) continue;
      waits[index]!.add(before);
      for (const earlier of waits[before]!) waits[index]!.add(earlier);
    }
  });
  let last: number | null = null;
  let next = 0;
  for (const [index, { action, target }] of steps.entries()) {
    const item = items[next];
    if (item?.action !== action || item.target !== target) continue;
    next += 1;
    if (last !== null && !waits[index]!.has(last)) return false;
    // The receipt of a host that goes down comes at its next boot: nothing waits for it.
    last = endsWithItsHost.has(action) ? null : index;
  }
  return true;
}

const endsWithItsHost: ReadonlySet<string> = new Set([
  'host.shutdown',
  'host.shutdown-in-use',
  'host.reboot',
  'host.reboot-in-use',
]);

/** Whether the last step comes after the success of every other one, directly or by others. */
function lastWaitsForAll(steps: readonly Step[]): boolean {
  const waitedFor = new Set([steps.length - 1]);
  for (let index = steps.length - 1; index >= 0; index -= 1) {
    if (!waitedFor.has(index)) return false;
    for (const after of steps[index]!.after) if (after.if === 'succeeded') waitedFor.add(after.step);
  }
  return true;
}

/** "shut down devtop" */
export const inWords = (step: Pick<Step, 'action' | 'target'>): string =>
  `${actionOf(step.action)?.verb ?? step.action} ${step.target}${step.action.endsWith('-in-use') ? ' even if it is in use' : ''}`;

/** The order of a command, such as "start gaming". */
export const orderInWords = ({ order }: { readonly order: Order }): string =>
  'runbook' in order ? `run ${order.runbook}` : inWords(order);

type StepKind = 'ordered' | 'wake' | 'rival' | 'foreign';

function classify(trust: Trust, order: Pick<Item, 'action' | 'target' | 'params'>, step: Step): StepKind {
  const { guests } = trust.document.house;
  if (step.action === order.action && step.target === order.target) {
    return sameJson(step.params, order.params) ? 'ordered' : 'foreign';
  }
  const target = Object.hasOwn(guests, order.target) ? guests[order.target] : undefined;
  if (target === undefined || Object.keys(step.params).length > 0) return 'foreign';
  if (step.action === 'host.wake' && step.target === target.host) return 'wake';
  const rival = Object.hasOwn(guests, step.target) ? guests[step.target] : undefined;
  const starts = order.action === 'guest.start' || order.action === 'guest.resume';
  const shares = rival?.exclusive.some((resource) => target.exclusive.includes(resource)) ?? false;
  return starts && shares && step.action === 'guest.shutdown' ? 'rival' : 'foreign';
}

/** Whether two flat objects of JSON say the same; parameters are flat. */
function sameJson(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key])
  );
}

import { refuse } from '../../schema/result.ts';
import { evaluateOrder, findGrant, type PolicyRefusal } from '../../schema/trust/evaluate.ts';
import { type Trust, trustExpired } from '../../schema/trust/read.ts';
import {
  type GithubView,
  type OrderRefusal,
  type SignedBytes,
  type VerifiedOrder,
  verifyOrder,
} from '../../schema/trust/verify-order.ts';
import type { Step } from '../../schema/wire/intent.ts';
import { clockSkewMs } from '../../schema/wire/limits.ts';
import { compareOrders, type ReleaseOrderNumber, stepsOfOrder } from '../../schema/wire/release-order.ts';
import { stepKey } from './journal-state.ts';

/** All that a release's order is judged by. Nothing here comes from the controller. */
export type ReleaseContext = {
  readonly trust: Trust;
  /** Null where no token of GitHub's can be verified. */
  readonly github: GithubView | null;
  /** The relay that is to do it. */
  readonly relay: string;
  readonly now: number;
  /** The highest order so far on each target, and the digest of its bytes. */
  readonly floors: ReadonlyMap<string, { readonly order: ReleaseOrderNumber; readonly digest: string }>;
  /** Steps that were consumed, by `stepKey`. */
  readonly steps: { has(key: string): boolean };
  /** Orders that were issued before are not followed: what was done until then is not known here. */
  readonly notBefore: number;
  /** Orders that were issued up to here may have been refused, and forgotten since. */
  readonly forgotten: number;
};

/** A release's order as it comes, and the part that is meant. */
export type SignedOrder = SignedBytes & { readonly part: number };

/** Why an order counts as said by nobody, or as not meant for here and now. */
export type OrderDropReason =
  | OrderRefusal
  | 'trust_expired'
  | 'intent_home'
  | 'intent_not_yet'
  | 'intent_before_enrolment'
  | 'release_forgotten'
  | 'step_unknown'
  | 'step_not_ours';

/** Why an order that somebody signed is not followed. */
export type OrderDenyReason = PolicyRefusal | 'release_stale';

/** One part of a verified order, as the step that it is. */
export type OrderedPart = VerifiedOrder & {
  readonly step: Step;
  readonly key: string;
  /** Patterns of what the identity's grant lets a release touch on this target; none unless it is allowed. */
  readonly paths: readonly string[];
};

export type OrderVerdict =
  | { readonly kind: 'dropped'; readonly reason: OrderDropReason; readonly detail?: string }
  | { readonly kind: 'consumed'; readonly ordered: OrderedPart }
  | {
      readonly kind: 'denied';
      readonly reason: OrderDenyReason;
      readonly detail?: string;
      readonly ordered: OrderedPart;
    }
  | { readonly kind: 'allowed'; readonly ordered: OrderedPart };

const dropped = ({ reason, detail }: { reason: OrderDropReason; detail?: string }): OrderVerdict => ({
  kind: 'dropped',
  reason,
  ...(detail !== undefined && { detail }),
});

/** What a verified order's part is worth now. Changes nothing; equal contexts and orders have equal verdicts. */
export function weighOrder(ctx: ReleaseContext, verified: VerifiedOrder, part: number): OrderVerdict {
  const { trust, floors } = ctx;
  const { order, digest, identity } = verified;
  if (trustExpired(trust, ctx.now)) return dropped(refuse('trust_expired'));
  if (order.home !== trust.document.home) return dropped(refuse('intent_home'));
  if (order.issued_at > ctx.now + clockSkewMs) return dropped(refuse('intent_not_yet'));
  if (order.issued_at < ctx.notBefore) return dropped(refuse('intent_before_enrolment'));
  const step = stepsOfOrder(order)[part];
  if (step === undefined) return dropped(refuse('step_unknown'));
  if (step.relay !== ctx.relay) return dropped(refuse('step_not_ours'));

  const ordered: OrderedPart = { ...verified, step, key: stepKey(digest, part), paths: [] };
  const floor = floors.get(step.target);
  if (ctx.steps.has(ordered.key) || floor?.digest === digest) return { kind: 'consumed', ordered };
  if (order.issued_at <= ctx.forgotten) return dropped(refuse('release_forgotten'));
  const policy = evaluateOrder(trust, identity, order);
  if (!policy.ok) return denied(ordered, policy);
  if (floor !== undefined && compareOrders(order.order, floor.order) <= 0) {
    return denied(ordered, refuse('release_stale', `a newer release came to ${step.target} before`));
  }
  const paths = findGrant(trust, identity, step.action, step.target)?.paths ?? [];
  return { kind: 'allowed', ordered: { ...ordered, paths } };
}

const denied = (
  ordered: OrderedPart,
  { reason, detail }: { reason: OrderDenyReason; detail?: string },
): OrderVerdict => ({ kind: 'denied', ordered, reason, ...(detail !== undefined && { detail }) });

/**
 * Judges one part of a release's order from what an authority signed and from trust, without the envelope that brought
 * it: for whoever acts on a relay's word and must not take it. Limits are counted by the relay.
 */
export async function judgeOrder(ctx: ReleaseContext, signed: SignedOrder): Promise<OrderVerdict> {
  const verified = await verifyOrder(ctx.trust, signed, ctx.github);
  return verified.ok ? weighOrder(ctx, verified.value, signed.part) : dropped(verified);
}

import {
  type DeploymentView,
  deploymentListSchema,
  type TargetState,
} from '../../../schema/api/deployments.ts';
import { type Digest, digestOf } from '../../../schema/jose/digest.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import type { Receipt } from '../../../schema/wire/receipt.ts';
import { compareOrders, type ReleaseOrder, releaseAction } from '../../../schema/wire/release-order.ts';
import { relayOf } from '../../config/secrets/reported.ts';
import type { Failure } from '../outcome.ts';
import type { Session } from '../session.ts';
import { outcomeOf, verifiedReceipts } from '../verify-receipts.ts';
import type { Desk } from './desk.ts';

/** 200 deployments to 64 targets, with two receipts of each. */
const maxListBytes = 32 * 1024 * 1024;

/** What became of one target of a deployment. */
export type FormerPart = {
  readonly view: DeploymentView;
  readonly target: string;
  readonly part: Digest;
  /** What the control plane says. */
  readonly state: TargetState;
  readonly code: string | null;
  /** What the target's own relay signed in the end; null where nothing of it verifies. */
  readonly receipt: Receipt | null;
  /**
   * Whether this very order, with this part, was authorised by somebody who may: the target's relay has begun it, or
   * it was signed here. Of others it is the control plane's word alone that anybody ever wanted them.
   */
  readonly vouched: boolean;
};

/** Verifies what a control plane says of a deployment, by receipts and by what this computer remembers. */
export async function verifyDeployment(
  trust: Trust,
  desk: Pick<Desk, 'signed'>,
  view: DeploymentView,
): Promise<readonly FormerPart[]> {
  const isBound = await isOrderOf(view.digest, view.order);
  const isOurs = isBound && desk.signed.includes(view.digest);
  const receipts = await verifiedReceipts(trust, view.receipts);
  return view.order.parts.map(({ relay, target, digest: part }, index): FormerPart => {
    const speaker = relayOf(trust.document.house, target);
    // A relay is believed for its own targets alone, whatever else the order holds.
    const receipt =
      isBound && speaker === relay
        ? outcomeOf(receipts, view.digest, index, { relay, action: releaseAction, target })
        : null;
    const told = view.targets.find((one) => one.target === target);
    return {
      view,
      target,
      part,
      state: told?.state ?? 'pending',
      code: told?.code ?? null,
      receipt,
      // A relay also signs that it refused what nobody may order.
      vouched: isOurs || (receipt !== null && receipt.state !== 'refused'),
    };
  });
}

/** Whether a digest is that of an order's bytes: they are signed in their canonical form. */
async function isOrderOf(digest: Digest, order: ReleaseOrder): Promise<boolean> {
  return (await digestOf('release', canonicalJson(order))) === digest;
}

/**
 * What was ordered before, the newest first: of one target, or the latest of all. What is newer is said by the numbers
 * that were signed: a control plane that tells of old releases first would have one of them signed as a rollback.
 */
export async function formerParts(
  { api }: Session,
  trust: Trust,
  desk: Desk,
  target: string | null,
): Promise<{ ok: true; value: readonly FormerPart[] } | Failure> {
  const query = target === null ? '' : `?target=${target}&limit=200`;
  const list = await api.call({
    method: 'GET',
    url: `/v1/deployments${query}`,
    answer: deploymentListSchema,
    maxBytes: maxListBytes,
  });
  if (!list.ok) return list;
  const parts: FormerPart[] = [];
  for (const view of list.value.deployments) parts.push(...(await verifyDeployment(trust, desk, view)));
  parts.sort((a, b) => compareOrders(b.view.order.order, a.view.order.order));
  return { ok: true, value: target === null ? parts : parts.filter((one) => one.target === target) };
}

/**
 * The parts that came into force on a target by its relay's own word, the newest first, each once. The first is what
 * runs, unless something else was done there since.
 *
 * @param parts of that target alone
 */
export function generationsOf(parts: readonly FormerPart[]): readonly FormerPart[] {
  const found = new Map<Digest, FormerPart>();
  for (const former of parts) {
    if (former.receipt?.state === 'succeeded' && !found.has(former.part)) found.set(former.part, former);
  }
  return [...found.values()];
}

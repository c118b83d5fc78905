import { actionOf } from '../../schema/actions/index.ts';
import type { CommandView } from '../../schema/api/orders.ts';
import type { Digest } from '../../schema/jose/digest.ts';
import { verifyJws } from '../../schema/jose/jws.ts';
import { keyOf, nameOfKey } from '../../schema/trust/evaluate.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { maxReceiptBytes } from '../../schema/wire/limits.ts';
import { isFinal, type Receipt, receiptSchema } from '../../schema/wire/receipt.ts';

/** Receipts that a relay of trust signed for this home. What does not verify is left out. */
export async function verifiedReceipts(trust: Trust, texts: readonly string[]): Promise<readonly Receipt[]> {
  const receipts: Receipt[] = [];
  for (const text of texts) {
    const read = await verifyJws('receipt', text, {
      maxBytes: maxReceiptBytes,
      findKey: keyOf(trust, 'relay'),
      schema: receiptSchema,
    });
    if (!read.ok) continue;
    const { payload, key } = read.value;
    if (payload.home !== trust.document.home || nameOfKey(trust, key.kid) !== payload.relay) continue;
    receipts.push(payload);
  }
  return receipts;
}

/** A step as whoever ordered it knows it. */
export type ExpectedStep = { readonly relay: string; readonly action: string; readonly target: string };

/** What its relay's receipts say of one step of one intent; null when there is no final one. */
export function outcomeOf(
  receipts: readonly Receipt[],
  intent: Digest,
  index: number,
  step: ExpectedStep,
): Receipt | null {
  const final = receipts.filter(
    (receipt) =>
      receipt.intent === intent &&
      receipt.step === index &&
      receipt.relay === step.relay &&
      receipt.action === step.action &&
      receipt.target === step.target &&
      isFinal(receipt.state),
  );
  // A relay signs one final receipt a step; two that differ say that its word is worth nothing.
  if (new Set(final.map(({ state }) => state)).size !== 1) return null;
  const [receipt] = final;
  if (receipt === undefined) return null;
  if (receipt.state === 'succeeded' && actionOf(step.action)?.acceptsResult(receipt.result) !== true)
    return null;
  return receipt;
}

export type ProvenStep = {
  readonly attempt: number;
  readonly step: number;
  readonly claimed: string;
  /** What the relay itself signed; null where it signed no final receipt. */
  readonly proven: Receipt['state'] | null;
  /** Its final receipt. */
  readonly receipt: Receipt | null;
};

/** Ends that a relay alone can tell. (The control plane itself may refuse a step that no relay has begun.) */
const endsByReceipt = ['succeeded', 'failed', 'unknown'];

/**
 * Compares what the control plane says of a command's steps with what the relays signed. Which relay does a step
 * is trust's to say, not the control plane's. A command succeeded only if all of its last attempt is signed to
 * have, and what was ordered is among that: otherwise `leavesOut`.
 */
export async function proveCommand(
  trust: Trust,
  command: CommandView,
): Promise<{
  steps: readonly ProvenStep[];
  unproven: readonly ProvenStep[];
  leavesOut: boolean;
}> {
  const receipts = await verifiedReceipts(trust, command.receipts);
  const steps = command.steps.map((view): ProvenStep => {
    const intent = command.intents[view.attempt];
    const relay = actionOf(view.action)?.relayFor(trust.document.house, view.target);
    const receipt =
      intent === undefined || relay?.ok !== true
        ? null
        : outcomeOf(receipts, intent, view.step, { ...view, relay: relay.value });
    const { attempt, step, state: claimed } = view;
    return { attempt, step, claimed, proven: receipt?.state ?? null, receipt };
  });
  const succeeded = command.state === 'succeeded';
  const last = Math.max(...command.steps.map(({ attempt }) => attempt));
  const unproven = steps.filter(({ attempt, claimed, proven }) => {
    if (succeeded && attempt === last && proven !== 'succeeded') return true;
    return proven === null ? endsByReceipt.includes(claimed) : proven !== claimed;
  });
  const { order } = command;
  const holdsOrder = command.steps.some(
    ({ action, target }) => 'runbook' in order || (action === order.action && target === order.target),
  );
  return { steps, unproven, leavesOut: succeeded && !holdsOrder };
}

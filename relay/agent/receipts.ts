import { type ChainHead, nextHead } from '../../schema/chain/chain.ts';
import type { Digest } from '../../schema/jose/digest.ts';
import { signJws, verifyJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { keyOf, nameOfKey } from '../../schema/trust/evaluate.ts';
import type { Trust } from '../../schema/trust/read.ts';
import type { After, Intent } from '../../schema/wire/intent.ts';
import { maxReceiptBytes } from '../../schema/wire/limits.ts';
import { isFinal, type Receipt, receiptSchema } from '../../schema/wire/receipt.ts';
import type { ReceiptEntry } from './journal-format.ts';

/** What a receipt says beside its place in the chain. */
export type ReceiptWords = Omit<Receipt, 'seq' | 'previous'>;

/** Signs the receipt that follows the head of this relay's chain. */
export async function signReceipt(
  head: ChainHead,
  words: ReceiptWords,
  key: SigningKey,
): Promise<ReceiptEntry> {
  const receipt: Receipt = { ...words, seq: head.seq + 1, previous: head.hash };
  const jws = await signJws('receipt', receipt, key);
  const next = await nextHead('receipt', head, jws);
  return { k: 'receipt', seq: next.seq, jws, hash: next.hash };
}

/**
 * Whether the receipts in hand show that the steps ended as a step demands that comes after them. Each must be
 * signed by the relay of its step, as trust knows its key, and be of this very intent, step, action and target.
 * What does not verify counts for nothing.
 */
export async function checkAfter(
  trust: Trust,
  order: { readonly intent: Intent; readonly digest: Digest; readonly after: readonly After[] },
  texts: readonly string[],
): Promise<Result<true, 'after_unmet'>> {
  if (order.after.length === 0) return ok(true);
  const wanted = new Map(order.after.map((after) => [after.step, after.if]));
  for (const text of texts) {
    const verified = await verifyJws('receipt', text, {
      maxBytes: maxReceiptBytes,
      findKey: keyOf(trust, 'relay'),
      schema: receiptSchema,
    });
    if (!verified.ok) continue;
    const receipt = verified.value.payload;
    const step = order.intent.steps[receipt.step];
    const signer = nameOfKey(trust, verified.value.key.kid);
    const fits =
      step !== undefined &&
      receipt.home === trust.document.home &&
      receipt.intent === order.digest &&
      receipt.relay === step.relay &&
      signer === step.relay &&
      receipt.action === step.action &&
      receipt.target === step.target;
    if (!fits) continue;
    const succeeds = wanted.get(receipt.step) === 'succeeded';
    const met = succeeds ? receipt.state === 'succeeded' : isFinal(receipt.state);
    if (met) wanted.delete(receipt.step);
  }
  if (wanted.size === 0) return ok(true);
  return refuse('after_unmet', `no fitting receipt of step ${[...wanted.keys()].join(', ')}`);
}

/** Reads a receipt that claims to be this relay's own, signed with its own key. */
export async function readOwnReceipt(
  text: string,
  own: { readonly home: string; readonly relay: string; readonly key: SigningKey },
  findKey: Parameters<typeof verifyJws>[2]['findKey'],
): Promise<Receipt | null> {
  const verified = await verifyJws('receipt', text, {
    maxBytes: maxReceiptBytes,
    findKey: (kid) => (kid === own.key.kid ? findKey(kid) : undefined),
    schema: receiptSchema,
  });
  if (!verified.ok) return null;
  const receipt = verified.value.payload;
  return receipt.home === own.home && receipt.relay === own.relay ? receipt : null;
}

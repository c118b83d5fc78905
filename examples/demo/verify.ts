import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandView } from '../../schema/api/orders.ts';
import { verifyJws } from '../../schema/jose/jws.ts';
import { keyOf, nameOfKey } from '../../schema/trust/evaluate.ts';
import { acceptFirstTrust, followTrustChain, type Trust } from '../../schema/trust/read.ts';
import { maxReceiptBytes } from '../../schema/wire/limits.ts';
import { type Receipt, receiptSchema } from '../../schema/wire/receipt.ts';
import type { TrustChain, TrustJws } from '../../schema/wire/relay-api.ts';

/**
 * Trust as the owner's computer pinned it, followed to the newest version that the control plane has. Throws when
 * a link does not hold.
 */
export async function trustOf(configDir: string, chain: TrustChain): Promise<Trust> {
  const pinned = JSON.parse(readFileSync(join(configDir, 'trust.json'), 'utf8')) as {
    digest: string;
    jws: TrustJws;
  };
  const first = await acceptFirstTrust(pinned.jws, { digest: pinned.digest });
  if (!first.ok) throw new Error(`the pinned trust document: ${first.reason}`);
  const followed = await followTrustChain(first.value, chain.versions);
  if (followed.refusal !== null) throw new Error(`the chain of trust: ${followed.refusal.reason}`);
  return followed.trust;
}

/** The receipts of a command; throws when one was not signed by the relay that trust names for it. */
export async function receiptsOf(trust: Trust, command: CommandView): Promise<readonly Receipt[]> {
  return Promise.all(
    command.receipts.map(async (text) => {
      const verified = await verifyJws('receipt', text, {
        maxBytes: maxReceiptBytes,
        findKey: keyOf(trust, 'relay'),
        schema: receiptSchema,
      });
      if (!verified.ok) throw new Error(`a receipt does not verify: ${verified.reason}`);
      const { payload, key } = verified.value;
      if (payload.home !== trust.document.home) throw new Error('a receipt is of another home');
      if (nameOfKey(trust, key.kid) !== payload.relay) throw new Error('a receipt is of another relay');
      if (!command.intents.includes(payload.intent)) throw new Error('a receipt is of another intent');
      return payload;
    }),
  );
}

/** Of one step: `started` once, then exactly one end; or one refusal. Null when that is not so. */
export function endOf(receipts: readonly Receipt[], action: string, target: string): Receipt | null {
  const mine = receipts.filter((receipt) => receipt.action === action && receipt.target === target);
  const ends = mine.filter(({ state }) => state !== 'started');
  const starts = mine.length - ends.length;
  const [end] = ends;
  if (end === undefined || ends.length > 1) return null;
  return starts === (end.state === 'refused' ? 0 : 1) ? end : null;
}

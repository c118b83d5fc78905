import type { AuditEntry } from '../../schema/chain/audit-entry.ts';
import { type ChainHead, nextHead } from '../../schema/chain/chain.ts';

/** The JSON text of an entry, as it is chained and exported. Members stand in this order. */
export const auditText = (entry: AuditEntry): string =>
  JSON.stringify({
    seq: entry.seq,
    previous: entry.previous,
    time: entry.time,
    event: entry.event,
    principal: entry.principal,
    facts: entry.facts,
  });

/** Seals an entry onto a head: its text, and the head after it. */
export async function sealEntry(
  head: ChainHead,
  entry: Omit<AuditEntry, 'previous'>,
): Promise<{ text: string; head: ChainHead }> {
  const text = auditText({ ...entry, previous: head.hash });
  return { text, head: await nextHead('audit', head, text) };
}

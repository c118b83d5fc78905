import { type AuditEntry, auditEntrySchema } from '../../schema/chain/audit-entry.ts';
import { type ChainHead, emptyHead, followChain } from '../../schema/chain/chain.ts';
import type { Digest } from '../../schema/jose/digest.ts';
import { parsePayload } from '../../schema/jose/jws.ts';
import type { Result } from '../../schema/result.ts';

export const maxAuditEntryBytes = 64 * 1024;

const read = (text: string): AuditEntry | null => {
  const parsed = parsePayload(text, auditEntrySchema, maxAuditEntryBytes);
  return parsed.ok ? parsed.value : null;
};

/** Follows entries from a head; refuses at the first that does not follow, or is no entry. */
export const followAudit = (
  from: ChainHead,
  entries: readonly string[],
): Promise<Result<ChainHead, 'chain_broken'>> => followChain('audit', from, entries, read);

export const beginningOfAudit = (): Promise<ChainHead> => emptyHead('audit');

/** The hash of each entry up to where the chain breaks, and what is wrong there; null when it is whole. */
export async function hashesOfAudit(
  entries: readonly string[],
): Promise<{ readonly hashes: readonly Digest[]; readonly broken: string | null }> {
  const hashes: Digest[] = [];
  let head = await beginningOfAudit();
  for (const entry of entries) {
    const next = await followAudit(head, [entry]);
    if (!next.ok) return { hashes, broken: next.detail ?? next.reason };
    head = next.value;
    hashes.push(head.hash);
  }
  return { hashes, broken: null };
}

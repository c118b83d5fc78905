import { auditEntrySchema } from '../../schema/chain/audit-entry.ts';
import { type ChainHead, emptyHead, nextHead } from '../../schema/chain/chain.ts';
import { parsePayload } from '../../schema/jose/jws.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';

/** More than any entry has: facts are codes, ids and names. */
const maxAuditEntryBytes = 16 * 1024;

export type AuditFault = 'entry_malformed' | 'chain_broken' | 'head_missing' | 'head_differs';

/**
 * Verifies an export of the audit log from its first entry on. `known` are heads that were seen before, such
 * as a relay remembers from signed heartbeats: the log must contain each of them, so one that was cut off or
 * rewritten is found out. Gives the head, or names the first line (from 1) that does not fit.
 */
export async function verifyAuditExport(
  lines: Iterable<string> | AsyncIterable<string>,
  known: readonly ChainHead[] = [],
): Promise<Result<ChainHead, AuditFault>> {
  let head = await emptyHead('audit');
  const expected = new Map<number, string[]>();
  for (const one of known) expected.set(one.seq, [...(expected.get(one.seq) ?? []), one.hash]);
  const matches = (): boolean => (expected.get(head.seq) ?? []).every((hash) => hash === head.hash);

  if (!matches()) return refuse('head_differs', 'the head of the empty log is another');
  for await (const line of lines) {
    const entry = parsePayload(line, auditEntrySchema, maxAuditEntryBytes);
    if (!entry.ok) {
      return refuse('entry_malformed', `line ${head.seq + 1} is no entry: ${entry.detail ?? entry.reason}`);
    }
    if (entry.value.seq !== head.seq + 1 || entry.value.previous !== head.hash) {
      return refuse('chain_broken', `line ${head.seq + 1} does not follow the one before`);
    }
    head = await nextHead('audit', head, line);
    if (!matches()) return refuse('head_differs', `entry ${head.seq} is not the one that was seen before`);
  }
  const beyond = [...expected.keys()].find((seq) => seq > head.seq);
  if (beyond !== undefined) {
    return refuse('head_missing', `entry ${beyond} was seen before, but the log ends at ${head.seq}`);
  }
  return ok(head);
}

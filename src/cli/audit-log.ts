import { auditPageSchema } from '../../schema/api/house.ts';
import type { ChainHead } from '../../schema/chain/chain.ts';
import type { Failure } from './outcome.ts';
import type { Session } from './session.ts';

const pageSize = 1000;

/** The whole log as the control plane has it, page by page; nothing of it is verified here. */
export async function fetchAudit(
  { api }: Session,
  tell: (count: number) => void,
): Promise<{ ok: true; value: { entries: string[]; head: ChainHead } } | Failure> {
  const entries: string[] = [];
  for (;;) {
    const page = await api.call({
      method: 'GET',
      url: `/v1/audit?after=${entries.length}&limit=${pageSize}`,
      answer: auditPageSchema,
      maxBytes: 16 * 1024 * 1024,
      verbatim: true,
    });
    if (!page.ok) return page;
    entries.push(...page.value.entries);
    tell(entries.length);
    if (page.value.entries.length === 0 || entries.length >= page.value.head.seq) {
      return { ok: true, value: { entries, head: page.value.head } };
    }
  }
}

import { type Digest, digestOf } from '../jose/digest.ts';
import { ok, type Result, refuse } from '../result.ts';

export type ChainKind = 'receipt' | 'audit';

/** The head of a chain: how many entries, and the hash of the last (of the empty text when there is none). */
export type ChainHead = { readonly seq: number; readonly hash: Digest };

/** The head of a chain without entries. */
export const emptyHead = async (kind: ChainKind): Promise<ChainHead> => ({
  seq: 0,
  hash: await digestOf(kind, ''),
});

/** The head after one more entry, whose text itself names the hash before it. */
export const nextHead = async (kind: ChainKind, head: ChainHead, text: string): Promise<ChainHead> => ({
  seq: head.seq + 1,
  hash: await digestOf(kind, text),
});

/**
 * Follows entries from a head. Each entry's text must carry its own `seq` and the hash of the one before, as
 * `read` finds them. Refuses at the first that does not follow, naming its place.
 */
export async function followChain(
  kind: ChainKind,
  from: ChainHead,
  entries: readonly string[],
  read: (text: string) => { seq: number; previous: Digest } | null,
): Promise<Result<ChainHead, 'chain_broken'>> {
  let head = from;
  for (const text of entries) {
    const link = read(text);
    if (link === null || link.seq !== head.seq + 1 || link.previous !== head.hash) {
      return refuse('chain_broken', `entry ${head.seq + 1} does not follow the one before`);
    }
    head = await nextHead(kind, head, text);
  }
  return ok(head);
}

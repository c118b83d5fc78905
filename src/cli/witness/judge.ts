import type { Witness } from '../../../schema/chain/witness.ts';
import type { Digest } from '../../../schema/jose/digest.ts';

/** What contradicts the log at one entry. */
export type Conflict =
  /** The control plane showed two logs: relays were told different hashes, or this log's both after and before another. */
  | { readonly kind: 'forked'; readonly seq: number; readonly by: readonly Witness[] }
  /** The entry, or one before it down to `from`, is not what was seen. */
  | {
      readonly kind: 'rewritten';
      readonly seq: number;
      readonly from: number;
      readonly by: readonly Witness[];
    }
  /** Entries were seen that the log does not have. */
  | { readonly kind: 'shortened'; readonly seq: number; readonly by: readonly Witness[] };

export type Judgement = {
  /** Of each relay the witness that reaches furthest among those that fit, the furthest first. */
  readonly confirmed: readonly Witness[];
  /** By entry, the first first; at most `maxTold`. */
  readonly conflicts: readonly Conflict[];
  /** At how many entries more the log is contradicted. */
  readonly more: number;
};

/** Where the first differs, most that follow do. */
const maxTold = 5;

/**
 * Compares a log with what relays saw of it. `hashes[n - 1]` is the hash of entry n, and covers all before it; where
 * the chain is broken, it ends before the break and `isWhole` is false.
 */
export function judgeWitnesses(
  hashes: readonly Digest[],
  isWhole: boolean,
  witnesses: readonly Witness[],
): Judgement {
  const fits = (witness: Witness): boolean => hashes[witness.seq - 1] === witness.hash;
  const fitting = witnesses.filter(fits);
  const conflicts: Conflict[] = [];
  let more = 0;
  for (const [seq, by] of bySeq(witnesses)) {
    const kind = kindOf(seq, by);
    if (kind === null) continue;
    if (conflicts.length === maxTold) more += 1;
    else conflicts.push(kind === 'contradicted' ? contradiction(seq, by, fitting) : { kind, seq, by });
  }
  return { confirmed: furthest(fitting), conflicts, more };

  function kindOf(seq: number, by: readonly Witness[]): 'forked' | 'shortened' | 'contradicted' | null {
    if (new Set(by.map(({ hash }) => hash)).size > 1) return 'forked';
    if (seq > hashes.length) return isWhole ? 'shortened' : null;
    return by.every(fits) ? null : 'contradicted';
  }
}

function contradiction(seq: number, by: readonly Witness[], fitting: readonly Witness[]): Conflict {
  const seenAt = by.reduce((latest, { time }) => Math.max(latest, time), 0);
  // Whoever fits from here on saw this log's entry, and before the others saw another.
  const before = fitting.find((witness) => witness.seq >= seq && witness.time <= seenAt);
  if (before !== undefined) return { kind: 'forked', seq, by: [...by, before] };
  const last = fitting.reduce((most, witness) => (witness.seq < seq ? Math.max(most, witness.seq) : most), 0);
  return { kind: 'rewritten', seq, from: last + 1, by };
}

function bySeq(witnesses: readonly Witness[]): [number, Witness[]][] {
  const groups = new Map<number, Witness[]>();
  for (const witness of witnesses) {
    const group = groups.get(witness.seq);
    if (group === undefined) groups.set(witness.seq, [witness]);
    else group.push(witness);
  }
  return [...groups].sort(([a], [b]) => a - b);
}

function furthest(fitting: readonly Witness[]): Witness[] {
  const best = new Map<string, Witness>();
  for (const witness of fitting) {
    const known = best.get(witness.relay);
    if (known === undefined || witness.seq > known.seq) best.set(witness.relay, witness);
  }
  return [...best.values()].sort((a, b) => b.seq - a.seq || a.relay.localeCompare(b.relay));
}

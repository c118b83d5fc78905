import type { Witness } from '../../../schema/chain/witness.ts';
import { listed, localTime } from '../text.ts';
import type { Conflict } from './judge.ts';
import type { OddLines } from './read.ts';

const reasons = {
  forked: 'audit_forked',
  rewritten: 'audit_rewritten',
  shortened: 'audit_shortened',
} as const satisfies Record<Conflict['kind'], string>;

/** The stable code of a conflict. */
export const reasonOf = (conflict: Conflict): string => reasons[conflict.kind];

const seen = ({ relay, time }: Witness): string => `${relay} on ${localTime(time)}`;
const seenBy = (by: readonly Witness[]): string => listedFew([...new Set(by.map(seen))]);

/** Anyone who took a relay's key can sign as many as they like. */
const maxListed = 6;
const listedFew = (texts: readonly string[]): string =>
  listed(
    texts.length <= maxListed
      ? texts
      : [...texts.slice(0, maxListed), `${texts.length - maxListed} more witnesses`],
  );

/** One sentence or two about what contradicts the log. */
export function conflictText(conflict: Conflict, entries: number): string {
  const { seq, by } = conflict;
  switch (conflict.kind) {
    case 'forked': {
      const shown = by.map((witness) => `${seen(witness)} (entry ${witness.seq}, ${witness.hash})`);
      return `Entry ${seq} has two pasts: the control plane showed different logs to ${listedFew(shown)}.`;
    }
    case 'rewritten': {
      const where =
        conflict.from === seq
          ? `Entry ${seq} itself was changed.`
          : `The first entry that was changed is one of ${conflict.from} to ${seq}.`;
      return `Entry ${seq} is not the one that was seen by ${seenBy(by)}: the log was rewritten. ${where}`;
    }
    case 'shortened':
      return `The log ends at entry ${entries}, and entry ${seq} was seen by ${seenBy(by)}: what follows entry ${entries} was taken away, or this is an older copy.`;
  }
}

/** Up to where, and by whom. */
export function confirmedText(confirmed: readonly Witness[], entries: number): string {
  const [furthest] = confirmed;
  if (furthest === undefined) return 'No entry is confirmed by a relay.';
  const each = confirmed.map((witness) => `${witness.seq} by ${seen(witness)}`);
  const younger =
    furthest.seq < entries ? ` Entries after ${furthest.seq} are younger than the newest witness.` : '';
  return `Confirmed up to entry ${listed(each)}.${younger}`;
}

/** What was found that is no witness of this home; empty when there is nothing. */
export function oddText({ unknown, forged, foreign }: OddLines): string {
  const parts = [
    unknown > 0 ? `${unknown} by no relay that trust names` : '',
    forged > 0 ? `${forged} forged or damaged` : '',
    foreign > 0 ? `${foreign} of another home or relay` : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : `Not counted: ${listed(parts)}.`;
}

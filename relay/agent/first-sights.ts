import type { Digest } from '../../schema/jose/digest.ts';
import type { Clock } from './clock.ts';

/** Since when this process knows tokens. Nothing of their worth: a digest is all that is kept of them. */
export type FirstSights = {
  /** When a token was first noted. */
  at(token: Digest): number | undefined;
  /**
   * Notes that tokens are there now, those apart that were noted before; all of them or, while no time source keeps the
   * clock, none: who does not know the time must neither believe itself later nor be believed by others.
   */
  note(tokens: readonly Digest[]): Promise<boolean>;
};

/** The oldest is forgotten: whoever orders for nothing gains that a late order needs a notary. */
const maxNoted = 1_000;

export function createFirstSights({ clock }: { clock: Pick<Clock, 'now' | 'synchronised'> }): FirstSights {
  const noted = new Map<Digest, number>();
  return {
    at: (token) => noted.get(token),
    async note(tokens) {
      if (!(await clock.synchronised())) return false;
      for (const token of tokens) {
        if (noted.has(token)) continue;
        const [oldest] = noted.keys();
        if (noted.size >= maxNoted) noted.delete(oldest!);
        noted.set(token, clock.now());
      }
      return true;
    },
  };
}

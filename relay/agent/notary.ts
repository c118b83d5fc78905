import * as v from 'valibot';
import type { Digest } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import { isNotary } from '../../schema/trust/evaluate.ts';
import type { TimeAttestation } from '../../schema/wire/time.ts';
import type { Log } from '../log.ts';
import type { Clock } from './clock.ts';
import { createFirstSights } from './first-sights.ts';
import type { Link } from './link.ts';
import type { TrustStore } from './trust-store.ts';

/** Attests since when tokens are known. Nothing of their worth: a digest is all that is seen of them. */
export type Notary = { attest(tokens: readonly Digest[]): Promise<void> };

const postMs = 20_000;

export function createNotary(deps: {
  readonly home: string;
  readonly relay: string;
  readonly key: SigningKey;
  readonly trust: Pick<TrustStore, 'current'>;
  readonly link: Pick<Link, 'call'>;
  readonly clock: Pick<Clock, 'now' | 'synchronised'>;
  /** A number that was promised to nobody before; null while the journal cannot be written. */
  nextSeq(): Promise<number | null>;
  readonly log: Pick<Log, 'warn'>;
}): Notary {
  const { home, relay, key, trust, log } = deps;
  // Apart from what this relay's own verification noted: what others are told is what they asked for, and nothing else
  // that is met here moves it or makes it be forgotten.
  const seen = createFirstSights({ clock: deps.clock });
  return {
    async attest(tokens) {
      if (!isNotary(trust.current(), relay)) return;
      // Whoever knows the time no better than the others has nothing to say.
      if (!(await seen.note(tokens))) {
        log.warn('time_not_attested', { code: 'clock_unsynchronised' });
        return;
      }
      const times: string[] = [];
      for (const token of tokens) {
        const seq = await deps.nextSeq();
        if (seq === null) return;
        const said: TimeAttestation = { home, token, seen: seen.at(token)!, seq };
        times.push(await signJws('time', said, key));
      }
      const posted = await deps.link.call({
        method: 'POST',
        path: '/v1/relay/times',
        body: () => ({ times }),
        schema: v.strictObject({}),
        maxBytes: 1024,
        timeoutMs: postMs,
      });
      // It is asked for again.
      if (!posted.ok) log.warn('time_not_attested', { code: posted.reason });
    },
  };
}

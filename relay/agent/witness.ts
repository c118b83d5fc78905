import { maxWitnessBytes, type Witness } from '../../schema/chain/witness.ts';
import { signJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import { clockSkewMs } from '../../schema/wire/limits.ts';
import type { Log } from '../log.ts';
import type { AlarmPath } from './alarm-path.ts';
import { createBackoff } from './backoff.ts';
import type { Journal } from './journal.ts';

const dayMs = 24 * 60 * 60_000;
/** How often is looked whether one is due: a host that slept, or whose clock was set, is not late for long. */
const lookMs = 60 * 60_000;
/** How long the first heartbeat is waited for, which tells what is to be witnessed. */
const unheardMs = 60_000;
const firstRetryMs = 60_000;

/**
 * Posts the head of the controller's audit log by the alarm path, once a day: there the controller can neither
 * change it nor take it back. When it was last posted is journalled, so that a restart repeats nothing.
 */
export async function runWitness(
  deps: {
    readonly home: string;
    readonly relay: string;
    readonly key: SigningKey;
    readonly journal: Pick<Journal, 'state' | 'append'>;
    readonly path: Pick<AlarmPath, 'post'>;
    readonly clock: { now(): number; sleep(ms: number, signal?: AbortSignal): Promise<unknown> };
    random(): number;
    readonly log: Log;
  },
  signal: AbortSignal,
): Promise<void> {
  const { home, relay, key, journal, path, clock, log } = deps;
  const backoff = createBackoff({ firstMs: firstRetryMs, capMs: lookMs, random: deps.random });
  // Of this run, for a journal that cannot be written.
  let posted = 0;

  const waitMs = (): number => {
    const now = clock.now();
    const last = Math.max(posted, journal.state.witnessed);
    // A time that is still to come was written by a clock that was ahead.
    if (last === 0 || last > now + clockSkewMs) return 0;
    return Math.max(0, last + dayMs - now);
  };

  while (!signal.aborted) {
    const head = journal.state.audit;
    if (head === null || head.seq === 0) {
      await clock.sleep(unheardMs, signal);
      continue;
    }
    const leftMs = waitMs();
    if (leftMs > 0) {
      await clock.sleep(Math.min(leftMs, lookMs), signal);
      continue;
    }
    const time = clock.now();
    const said: Witness = { home, relay, seq: head.seq, hash: head.hash, time };
    const jws = await signJws('witness', said, key);
    if (jws.length > maxWitnessBytes) throw new Error('a witness that nobody would take');
    const outcome = await path.post(
      {
        code: 'witness',
        clear: false,
        title: `Writ on ${relay}: the audit log has ${head.seq} entries`,
        priority: 'min',
        text: jws,
        members: { text: `${relay} saw the audit log with ${head.seq} entries.`, witness: jws },
        time,
      },
      signal,
    );
    if (signal.aborted) return;
    if (outcome === 'failed') {
      await clock.sleep(backoff.next(), signal);
      continue;
    }
    backoff.reset();
    posted = time;
    if (outcome === 'no_path') continue;
    log.info('witnessed', { seq: head.seq });
    await journal.append([{ k: 'witnessed', time }]);
  }
}

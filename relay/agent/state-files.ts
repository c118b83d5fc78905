import { toBytes } from '../../schema/jose/digest.ts';
import { parsePayload } from '../../schema/jose/jws.ts';
import {
  importSigningKey,
  type SecretJwk,
  type SigningKey,
  secretJwkSchema,
} from '../../schema/jose/keys.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import type { Trust } from '../../schema/trust/read.ts';
import type { Log } from '../log.ts';
import { authorityKeyFile } from './authority.ts';
import type { Clock } from './clock.ts';
import { type Disk, diskFault } from './disk.ts';
import { createJournal, type Journal, type JournalRefusal, journalFile, openJournal } from './journal.ts';
import { openTrustStore, type TrustStore, type TrustStoreRefusal, writeFirstTrust } from './trust-store.ts';

/** Everything that a relay keeps: its key, its journal and the trust document. */
export type RelayState = {
  readonly home: string;
  readonly relay: string;
  readonly key: SigningKey;
  readonly journal: Journal;
  readonly trust: TrustStore;
};

/** Why a relay does not start. With any of these it polls nobody and runs nothing. */
export type StateRefusal =
  | 'not_enrolled'
  | 'key_missing'
  | 'key_unreadable'
  | 'key_exposed'
  | 'key_malformed'
  | 'key_foreign'
  | JournalRefusal
  | TrustStoreRefusal;

export type StateDeps = {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly compactBytes?: number;
};

export const keyFile = 'key.json';

/** Opens what enrolment has made. Every part must be there, readable, and fit the others. */
export async function openState(deps: StateDeps): Promise<Result<RelayState, StateRefusal>> {
  const key = await readKey(deps.disk);
  if (!key.ok) return key;
  const opened = await openJournal(deps);
  if (!opened.ok) return opened;
  const journal = opened.value;
  if (journal.state.kid !== key.value.kid) return refuse('key_foreign', 'the journal is of another key');
  const trust = await openTrustStore({ disk: deps.disk, journal, log: deps.log });
  if (!trust.ok) return trust;
  const { home, relay } = journal.state;
  return ok({ home, relay, key: key.value, journal, trust: trust.value });
}

async function readKey(disk: Disk): Promise<Result<SigningKey, StateRefusal>> {
  try {
    const bytes = await disk.read(keyFile);
    if (bytes === null) {
      const hasJournal = (await disk.read(journalFile)) !== null;
      return refuse(hasJournal ? 'key_missing' : 'not_enrolled');
    }
    if (await disk.exposed(keyFile)) return refuse('key_exposed', 'others than its owner may read the key');
    const secret = parsePayload(bytes, secretJwkSchema, 4096);
    const key = secret.ok ? await importSigningKey(secret.value) : refuse('key_malformed');
    return key.ok ? key : refuse('key_malformed');
  } catch (error) {
    return refuse('key_unreadable', diskFault(error));
  }
}

/**
 * Makes the state of a relay that was just told whom to obey, in place of any earlier one. The key comes last:
 * without it there is no relay, so that a crash on the way leaves nothing that half works.
 */
export async function createState(
  deps: StateDeps,
  made: { readonly relay: string; readonly secret: SecretJwk; readonly trust: Trust },
): Promise<Result<RelayState, 'state_unwritable' | StateRefusal>> {
  const key = await importSigningKey(made.secret);
  if (!key.ok) return refuse('key_malformed');
  const { document, digest } = made.trust;
  try {
    await deps.disk.remove(keyFile);
    // Why somebody enrolls anew is not known: whoever read one key of this folder has read the other.
    await deps.disk.remove(authorityKeyFile);
    await writeFirstTrust(deps.disk, made.trust);
    const journal = await createJournal(deps, {
      home: document.home,
      relay: made.relay,
      kid: key.value.kid,
      trust: { version: document.version, digest },
    });
    await journal.close();
    await deps.disk.replace(keyFile, toBytes(JSON.stringify(made.secret)));
  } catch (error) {
    return refuse('state_unwritable', diskFault(error));
  }
  return openState(deps);
}

/**
 * `writ-relay clock accept`, with the relay stopped: takes the wall clock as right, because its owner says so.
 * The journalled time was ahead once. Intents that were issued before this moment are refused from now on,
 * because while the clock was ahead the journal may have forgotten some that it had taken for expired.
 */
export async function acceptClock(
  journal: Journal,
  clock: Clock,
): Promise<Result<{ readonly before: number; readonly now: number }, 'journal_unwritable'>> {
  const before = journal.state.time;
  const now = clock.now();
  const { boot, uptime, lived } = journal.state.clock;
  const written = await journal.append([
    { k: 'clock', boot, uptime, lived, time: now },
    { k: 'not_before', time: now },
    { k: 'forgotten', expires: 0 },
  ]);
  return written.ok ? ok({ before, now }) : written;
}

import type { ChainHead } from '../../schema/chain/chain.ts';
import { acceptKey } from '../../schema/jose/keys.ts';
import type { AuditHead } from '../../schema/wire/heartbeat.ts';
import type { Log } from '../log.ts';
import type { Clock } from './clock.ts';
import { readOwnReceipt } from './receipts.ts';
import type { RelayState } from './state-files.ts';

export type PostedReceipt = { readonly seq: number; readonly jws: string };

/** What a relay and the API tell each other of what each of them holds. */
export type Outbox = {
  /** The head of this relay's chain of receipts, for the next poll. */
  head(): ChainHead;
  /** Receipts that the API has not confirmed, in order. */
  unconfirmedReceipts(): readonly PostedReceipt[];
  /** The API holds this relay's receipts up to here. */
  confirmReceipts(seq: number): void;
  /** Whether so many receipts wait for the API that nothing may begin until it has confirmed some. */
  full(): boolean;
  /** A heartbeat verified: remembers its head of the audit log, and says if that does not follow the last one. */
  noteHeartbeat(head: AuditHead): Promise<'ok' | 'audit_forked'>;
  /** The API holds a later receipt of this relay than the relay itself: if it is genuine, nothing runs any more. */
  noteLastReceipt(jws: string): Promise<'ok' | 'state_restored'>;
  /** Whether this state was found to be an older copy of itself. */
  restored(): boolean;
  /** The next number for a report of this relay; null while no further one can be promised durably. */
  reportSeq(): Promise<number | null>;
};

/** How many of the newest receipts are compared before a text is read and verified. */
const recent = 64;
const clockNoteMs = 10 * 60_000;
const reportBlock = 1_000;
/** Under an API that confirms nothing the journal grows up to here, which is some ten megabytes. */
const defaultMaxUnconfirmed = 5_000;

export function createOutbox(deps: {
  readonly state: RelayState;
  readonly clock: Clock;
  readonly log: Log;
  readonly maxUnconfirmed?: number | undefined;
}): Outbox {
  const { clock, log } = deps;
  const { journal, home, relay, key } = deps.state;
  const maxUnconfirmed = deps.maxUnconfirmed ?? defaultMaxUnconfirmed;
  let confirmed = journal.state.confirmed;
  let everConfirmed = confirmed;
  let clockNotedAt = clock.uptimeMs();
  let nextReport = journal.state.reports;
  // Also while the disk cannot take it.
  let restored = journal.state.restored;

  /** The numbers above what is confirmed: counted, unless a journal that forgot most of them has fewer. */
  const numbersUnconfirmed = (): readonly number[] => {
    const { head, receipts } = journal.state;
    const count = head.seq - confirmed;
    return count <= receipts.size
      ? Array.from({ length: count }, (_, index) => confirmed + 1 + index)
      : [...receipts.keys()].filter((seq) => seq > confirmed).sort((a, b) => a - b);
  };

  return {
    head: () => journal.state.head,
    unconfirmedReceipts: () =>
      numbersUnconfirmed().flatMap((seq) => {
        const found = journal.state.receipts.get(seq);
        return found === undefined ? [] : [{ seq, jws: found.jws }];
      }),
    confirmReceipts(seq) {
      // An API that was restored from a backup may hold fewer than it once said.
      confirmed = Math.min(seq, journal.state.head.seq);
      everConfirmed = Math.max(confirmed, everConfirmed);
      if (confirmed > journal.state.confirmed) journal.note({ k: 'confirmed', seq: confirmed });
    },
    // What was confirmed once may be forgotten, though an API lost it since.
    full: () => journal.state.head.seq - everConfirmed >= maxUnconfirmed,
    async noteHeartbeat(head) {
      const last = journal.state.audit;
      if (last !== null && (head.seq < last.seq || (head.seq === last.seq && head.hash !== last.hash))) {
        return 'audit_forked';
      }
      journal.note({ k: 'audit', seq: head.seq, hash: head.hash });
      // Also how the journal learns of time that passes while nothing is ordered.
      if (last === null || clock.uptimeMs() - clockNotedAt >= clockNoteMs) {
        clockNotedAt = clock.uptimeMs();
        await journal.append([]);
      }
      return 'ok';
    },
    async noteLastReceipt(jws) {
      if (restored) return 'state_restored';
      // Whatever stands here was signed here: most polls cross with the receipts of what was just done.
      const { head, receipts } = journal.state;
      for (let seq = head.seq; seq > head.seq - recent; seq -= 1) {
        if (receipts.get(seq)?.jws === jws) return 'ok';
      }
      const own = await acceptKey(key.jwk);
      const receipt = await readOwnReceipt(jws, { home, relay, key }, () => (own.ok ? own.value : undefined));
      if (receipt === null) return 'ok';
      const ours = journal.state.receipts.get(receipt.seq);
      const isOurs = receipt.seq <= journal.state.head.seq && (ours === undefined || ours.jws === jws);
      if (isOurs) return 'ok';
      restored = true;
      log.error('state_restored', { receipts: journal.state.head.seq, held: receipt.seq });
      journal.note({ k: 'restored' });
      await journal.append([]);
      return 'state_restored';
    },
    restored: () => restored,
    async reportSeq() {
      const seq = nextReport;
      nextReport += 1;
      // Numbers are promised in blocks, so that a crash skips some instead of giving one twice; and well before
      // a block ends, so that a full disk leaves enough of them for some hours.
      if (journal.state.reports - seq <= reportBlock / 2) {
        await journal.append([{ k: 'reports', next: seq + reportBlock }]);
      }
      return seq < journal.state.reports ? seq : null;
    },
  };
}

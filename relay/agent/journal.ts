import { emptyHead } from '../../schema/chain/chain.ts';
import type { Digest } from '../../schema/jose/digest.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import type { Log } from '../log.ts';
import type { Clock } from './clock.ts';
import { type Disk, diskFault } from './disk.ts';
import {
  decodeJournal,
  encodeLine,
  entriesPerLine,
  firstChecksum,
  type JournalEntry,
} from './journal-format.ts';
import { buildState, type JournalState, type LiveState, snapshotOf } from './journal-state.ts';
import { createTurns } from './turns.ts';

/** The relay's memory of what it did. Nothing is done that does not stand here first. */
export type Journal = {
  /** What stands in it; changes only once a change is on stable storage. */
  readonly state: JournalState;
  /**
   * Adds entries that become true together, and returns once they are on stable storage. Refuses when that
   * cannot be done: then they are not true, and the next call tries to mend the file first. Takes one call
   * after the other. Without entries it only mends the file and writes what was noted.
   */
  append(entries: readonly JournalEntry[]): Promise<Result<true, 'journal_unwritable'>>;
  /** Adds an entry to the next line that is written; until then a crash loses it. */
  note(entry: JournalEntry): void;
  /** Whether the last write succeeded. */
  writable(): boolean;
  /** Milliseconds that the host has lived since the journal began: uptimes, and of earlier boots what was written. */
  livedMs(): number;
  close(): Promise<void>;
};

export type JournalDeps = {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** From this size on the file is rewritten when it is twice as large as need be. */
  readonly compactBytes?: number;
};

export type JournalRefusal = 'journal_missing' | 'journal_malformed' | 'journal_unreadable';

export const journalFile = 'journal';
const defaultCompactBytes = 512 * 1024;
/** After so many further receipts memory drops what nobody needs: between, no more than these pile up. */
const receiptsBetween = 500;

export type Genesis = {
  readonly home: string;
  readonly relay: string;
  /** Thumbprint of the relay's own key. */
  readonly kid: string;
  readonly trust: { readonly version: number; readonly digest: Digest };
};

/** Begins a journal, in place of any other. For enrolment alone. Rejects when the disk does. */
export async function createJournal(deps: JournalDeps, genesis: Genesis): Promise<Journal> {
  const { clock } = deps;
  const head = await emptyHead('receipt');
  const entries: JournalEntry[] = [
    { k: 'genesis', v: 1, home: genesis.home, relay: genesis.relay, kid: genesis.kid },
    { k: 'trust', ...genesis.trust },
    { k: 'clock', boot: clock.bootId(), uptime: Math.floor(clock.uptimeMs()), lived: 0, time: 0 },
    // What a relay of this name did under an earlier journal is unknown here.
    { k: 'not_before', time: clock.now() },
    { k: 'head', seq: head.seq, hash: head.hash },
  ];
  const first = encodeLine(firstChecksum, entries);
  await deps.disk.replace(journalFile, first.bytes);
  return runJournal(deps, buildState(entries)!, {
    checksum: first.checksum,
    bytes: first.bytes.length,
    torn: false,
  });
}

/** Opens the journal that enrolment began. */
export async function openJournal(deps: JournalDeps): Promise<Result<Journal, JournalRefusal>> {
  let file: Uint8Array | null;
  try {
    file = await deps.disk.read(journalFile);
  } catch (error) {
    return refuse('journal_unreadable', diskFault(error));
  }
  if (file === null) return refuse('journal_missing');
  const decoded = decodeJournal(file);
  if (!decoded.ok) return decoded;
  const live = buildState(decoded.value.entries);
  if (live === null) return refuse('journal_malformed', 'it does not begin as a journal does');
  const { checksum, torn } = decoded.value;
  if (torn) deps.log.warn('journal_torn', { receipts: live.view.head.seq });
  return ok(runJournal(deps, live, { checksum, bytes: file.length, torn }));
}

function runJournal(
  deps: JournalDeps,
  live: LiveState,
  file: { checksum: string; bytes: number; torn: boolean },
): Journal {
  const { disk, clock, log } = deps;
  const inTurn = createTurns();
  let { checksum, bytes } = file;
  // Bytes of which nobody knows whether they are there must not be added to.
  let mustReplace = file.torn;
  let writable = true;
  let compactedBytes = 0;
  let noted: JournalEntry[] = [];
  let tidiedAt = live.view.head.seq;

  const livedMs = (): number => {
    const { boot, uptime, lived } = live.view.clock;
    const now = Math.floor(clock.uptimeMs());
    return lived + (boot === clock.bootId() ? Math.max(0, now - uptime) : now);
  };

  const tick = async (): Promise<JournalEntry> => {
    const synchronised = await clock.synchronised();
    return {
      k: 'clock',
      boot: clock.bootId(),
      uptime: Math.floor(clock.uptimeMs()),
      lived: livedMs(),
      time: synchronised ? Math.max(live.view.time, clock.now()) : live.view.time,
    };
  };

  const replaceWith = async (entries: readonly JournalEntry[]): Promise<void> => {
    live.forget(clock.now());
    const all = [...snapshotOf(live.view), ...entries];
    const lines: Uint8Array[] = [];
    let last = firstChecksum;
    for (let at = 0; at < all.length; at += entriesPerLine) {
      const line = encodeLine(last, all.slice(at, at + entriesPerLine));
      lines.push(line.bytes);
      last = line.checksum;
    }
    const content = Buffer.concat(lines);
    await disk.replace(journalFile, content);
    checksum = last;
    bytes = content.length;
    compactedBytes = content.length;
    mustReplace = false;
  };

  const write = async (entries: readonly JournalEntry[]): Promise<void> => {
    const isLarge = bytes > (deps.compactBytes ?? defaultCompactBytes) && bytes > 2 * compactedBytes;
    const line = encodeLine(checksum, entries);
    const whole = mustReplace || isLarge;
    // Until the disk says otherwise, nobody knows how much of it is there.
    mustReplace = true;
    if (whole) return replaceWith(entries);
    await disk.append(journalFile, line.bytes);
    mustReplace = false;
    checksum = line.checksum;
    bytes += line.bytes.length;
  };

  const tidy = (): void => {
    if (live.view.head.seq - tidiedAt < receiptsBetween) return;
    tidiedAt = live.view.head.seq;
    live.forget(clock.now());
  };

  return {
    state: live.view,
    append: (entries) =>
      inTurn(async () => {
        const taken = noted;
        let line: JournalEntry[];
        try {
          line = [await tick(), ...taken, ...entries];
          await write(line);
        } catch (error) {
          if (writable) log.error('journal_unwritable', { fault: diskFault(error) });
          writable = false;
          return refuse('journal_unwritable', diskFault(error));
        }
        if (!writable) log.info('journal_writable', {});
        writable = true;
        noted = noted.filter((entry) => !taken.includes(entry));
        for (const entry of line) live.apply(entry);
        tidy();
        return ok(true);
      }),
    note(entry) {
      // The newest of a kind says all, so nothing piles up while the disk cannot be written.
      noted = [...noted.filter((other) => other.k !== entry.k), entry];
    },
    writable: () => writable,
    livedMs,
    close: () => inTurn(() => disk.close()),
  };
}

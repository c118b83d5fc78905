import { type BatchOutcome, commitFence, commitGroup, openConnections } from './embedded-commit.ts';
import { claimFile } from './embedded-owner.ts';
import {
  type Database,
  isStoreError,
  type Row,
  type Statement,
  storeError,
  systemTimers,
  type Timers,
  type WriteResult,
} from './port.ts';

export type EmbeddedOptions = {
  /** The database file; created (mode 0600) when absent, its directory is not. */
  readonly path: string;
  /** How long a call waits for a lock that another process holds before it is rejected as `busy`. */
  readonly busyTimeoutMs?: number;
  /** How many batches may wait before further ones are rejected as `busy`. */
  readonly maxWaiting?: number;
  readonly timers?: Timers;
};

export type EmbeddedStats = {
  /** Transactions committed, and batches acknowledged (those that changed nothing need no commit). */
  readonly commits: number;
  readonly batches: number;
  /** How often a connection was thrown away after a failure. */
  readonly reopened: number;
  readonly waiting: number;
};

export type EmbeddedDatabase = Database & { readonly stats: () => EmbeddedStats };

type Batch = {
  readonly statements: readonly Statement[];
  readonly deadlineMs: number;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: unknown) => void;
};

const defaultBusyTimeoutMs = 5_000;
/** A turn of the event loop that took less than this had nothing else to do. */
const idleTurnMs = 0.3;
/** After a commit of so many batches more are near: the next waits about as long as that one took, but not longer. */
const crowd = 4;
const longestPatienceMs = 5;
/** The longest that a batch waits for others. */
const longestGatherMs = 40;
const defaultMaxWaiting = 10_000;
/** A transaction takes no further batch beyond either, so that the event loop gets its turn. */
const maxGroupBatches = 512;
const maxGroupMs = 20;
const longestBackoffMs = 50;

/**
 * Opens a libSQL file as the only process that does. Writes wait in a queue; when the writer turns, all that wait
 * go into one transaction (group commit), each in a savepoint of its own, and are told only after COMMIT.
 *
 * libSQL is known to acknowledge writes that it never commits once a statement met SQLITE_BUSY on a connection. So
 * transactions are explicit, no connection is used again after a failure other than a batch's own, and each commit
 * raises a counter in the file (`user_version`) that a second connection must see before anybody is told.
 *
 * Rejects with StoreError `in_use`, `readonly`, `busy`, `corrupt`, `unavailable`. A full disk does not keep an existing
 * file from opening: what is there can be read.
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const timers = options.timers ?? systemTimers;
  const busyTimeoutMs = options.busyTimeoutMs ?? defaultBusyTimeoutMs;
  const maxWaiting = options.maxWaiting ?? defaultMaxWaiting;
  const ownership = claimFile(options.path);
  const connections = openConnections(ownership.path);

  let queue: Batch[] = [];
  /** So many batches at the head run alone, after a failure of their group that need not be of each. */
  let alone = 0;
  let commits = 0;
  let batches = 0;
  let isTurning = false;
  /** How long a batch waits for others at least. */
  let patienceMs = 0;
  let backoffMs = 1;
  let isClosed = false;
  let closing: Promise<void> | undefined;
  let whenDrained: (() => void) | undefined;

  const release = (): void => {
    connections.dropReader();
    connections.dropWriter();
    ownership.release();
  };

  /** Runs a synchronous step, again and again while it is busy, without blocking. */
  const retryBusy = async <T>(step: () => T): Promise<T> => {
    const deadlineMs = timers.monotonicMs() + busyTimeoutMs;
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, longestBackoffMs)) {
      try {
        return step();
      } catch (error) {
        const leftMs = deadlineMs - timers.monotonicMs();
        if (!isStoreError(error, 'busy') || leftMs <= 0) throw error;
        await new Promise<void>((resolve) => timers.after(Math.min(pauseMs, leftMs), resolve));
      }
    }
  };

  const settle = (batch: Batch, outcome: BatchOutcome): void => {
    if (outcome.ok) {
      batches += 1;
      batch.resolve(outcome.value);
    } else batch.reject(outcome.error);
  };

  /** Runs one group off the head of the queue. Returns after how many milliseconds to go on. */
  const turn = (): number => {
    const startedMs = timers.monotonicMs();
    const group = queue.slice(0, alone > 0 ? 1 : maxGroupBatches);
    const outcome = commitGroup(
      connections,
      group.map((batch) => batch.statements),
      () => timers.monotonicMs() - startedMs >= maxGroupMs,
    );
    if (outcome.kind === 'busy') {
      const nowMs = timers.monotonicMs();
      const firstKept = queue.findIndex((batch) => batch.deadlineMs > nowMs);
      const expired = queue.splice(0, firstKept === -1 ? queue.length : firstKept);
      alone = Math.max(0, alone - expired.length);
      for (const batch of expired) batch.reject(storeError('busy', 'another process holds the write lock'));
      const waitMs = Math.min(backoffMs, Math.max(0, (queue[0]?.deadlineMs ?? nowMs) - nowMs));
      backoffMs = Math.min(backoffMs * 2, longestBackoffMs);
      return waitMs;
    }
    backoffMs = 1;
    if (outcome.kind === 'failed') {
      if (group.length > 1 && !isStoreError(outcome.error, 'timeout')) {
        alone = group.length;
        return 0;
      }
      alone = Math.max(0, alone - group.length);
      queue = queue.slice(group.length);
      for (const batch of group) batch.reject(outcome.error);
      return 0;
    }
    if (outcome.committed) commits += 1;
    patienceMs = group.length < crowd ? 0 : Math.min(longestPatienceMs, timers.monotonicMs() - startedMs);
    alone = Math.max(0, alone - outcome.outcomes.length);
    queue = queue.slice(outcome.outcomes.length);
    outcome.outcomes.forEach((each, index) => {
      const batch = group[index];
      if (batch) settle(batch, each);
    });
    return 0;
  };

  const goOn = (): void => {
    const waitMs = turn();
    if (queue.length === 0) {
      isTurning = false;
      whenDrained?.();
    } else if (waitMs > 0) timers.after(waitMs, goOn);
    else gather();
  };

  /**
   * Goes on once the event loop has nothing else to do and nobody else is near, or after some time: whatever it is busy with may write as
   * well, and one commit is as dear for many batches as for one.
   */
  const gather = (): void => {
    const sinceMs = timers.monotonicMs();
    const look = (lastMs: number): void => {
      const nowMs = timers.monotonicMs();
      const isIdle = nowMs - lastMs < idleTurnMs && nowMs - sinceMs >= patienceMs;
      if (isIdle || nowMs - sinceMs >= longestGatherMs) goOn();
      else setImmediate(look, nowMs);
    };
    setImmediate(look, sinceMs);
  };

  try {
    await retryBusy(() => {
      connections.reader();
      try {
        commitFence(connections);
      } catch (error) {
        if (!isStoreError(error, 'full')) throw error;
      }
    });
  } catch (error) {
    release();
    throw error;
  }

  return {
    isOwned: true,

    read: async (statement): Promise<readonly Row[]> => {
      if (closing) throw storeError('unavailable', 'the database is closed');
      return retryBusy(() => {
        if (isClosed) throw storeError('unavailable', 'the database is closed');
        try {
          return connections.reader().run(statement).rows;
        } catch (error) {
          if (isStoreError(error)) connections.dropReader();
          throw error;
        }
      });
    },

    write: (statements) => {
      return new Promise((resolve, reject) => {
        if (closing) return reject(storeError('unavailable', 'the database is closed'));
        if (statements.length === 0) return resolve([]);
        if (queue.length >= maxWaiting) return reject(storeError('busy', 'too many batches are waiting'));
        queue.push({ statements, deadlineMs: timers.monotonicMs() + busyTimeoutMs, resolve, reject });
        if (!isTurning) {
          isTurning = true;
          gather();
        }
      });
    },

    close: () => {
      closing ??= (
        isTurning
          ? new Promise<void>((resolve) => {
              whenDrained = resolve;
            })
          : Promise.resolve()
      ).then(() => {
        isClosed = true;
        release();
      });
      return closing;
    },

    stats: () => ({ commits, batches, reopened: connections.dropped(), waiting: queue.length }),
  };
}

import { type Handle, openHandle } from './embedded-handle.ts';
import { isStoreError, type Statement, type StatementResult, storeError, type WriteResult } from './port.ts';

/** The two connections of the owning process, opened when first used and thrown away after a failure. */
export type Connections = {
  readonly writer: () => Handle;
  readonly reader: () => Handle;
  readonly dropWriter: () => void;
  readonly dropReader: () => void;
  /** How often a connection was thrown away. */
  readonly dropped: () => number;
};

export function openConnections(path: string): Connections {
  let writer: Handle | undefined;
  let reader: Handle | undefined;
  let dropped = 0;
  const drop = (handle: Handle | undefined): undefined => {
    if (handle) dropped += 1;
    handle?.close();
    return undefined;
  };
  return {
    writer: () => {
      writer ??= openHandle(path, { queryOnly: false });
      return writer;
    },
    reader: () => {
      reader ??= openHandle(path, { queryOnly: true });
      return reader;
    },
    dropWriter: () => {
      writer = drop(writer);
    },
    dropReader: () => {
      reader = drop(reader);
    },
    dropped: () => dropped,
  };
}

/** What became of one batch of a group. */
export type BatchOutcome =
  | { readonly ok: true; readonly value: WriteResult }
  | { readonly ok: false; readonly error: unknown };

/**
 * What became of a group. `done`: the outcomes of its first batches (all, unless time ran out), those that are ok
 * durable. `busy`: nothing was written, the lock was taken. `failed`: nothing was written, unless the error is a
 * StoreError `timeout`, which says that this could not be found out.
 */
export type GroupOutcome =
  | { readonly kind: 'done'; readonly outcomes: readonly BatchOutcome[]; readonly committed: boolean }
  | { readonly kind: 'busy' }
  | { readonly kind: 'failed'; readonly error: unknown };

/** `PRAGMA user_version` is a signed 32-bit integer. */
const counterMask = 0x7fff_ffff;

/**
 * Runs the batches in one transaction, each in a savepoint of its own, until `isOutOfTime`. Synchronous. Whatever
 * goes wrong with the connections leaves fresh ones behind.
 */
export function commitGroup(
  connections: Connections,
  group: readonly (readonly Statement[])[],
  isOutOfTime: () => boolean,
): GroupOutcome {
  const outcomes: BatchOutcome[] = [];
  let handle: Handle;
  let counter: number;
  try {
    handle = connections.writer();
    handle.exec('BEGIN IMMEDIATE');
    const before = handle.changeMark();
    for (const statements of group) {
      if (outcomes.length > 0 && isOutOfTime()) break;
      outcomes.push(runBatch(handle, statements));
    }
    if (handle.changeMark() === before || !outcomes.some((outcome) => outcome.ok)) {
      handle.exec('ROLLBACK');
      return { kind: 'done', outcomes, committed: false };
    }
    counter = raiseCounter(handle);
  } catch (error) {
    connections.dropWriter();
    return isStoreError(error, 'busy') ? { kind: 'busy' } : { kind: 'failed', error };
  }
  try {
    handle.exec('COMMIT');
    if (!handle.inTransaction() && connections.reader().commitCounter() === counter) {
      return { kind: 'done', outcomes, committed: true };
    }
    return settleCommit(
      connections,
      counter,
      outcomes,
      storeError('busy', 'a commit did not reach the file'),
    );
  } catch (error) {
    return settleCommit(connections, counter, outcomes, error);
  }
}

/** Commits nothing but a new counter: proves that the file can be written, and makes all before it durable. */
export function commitFence(connections: Connections): void {
  try {
    const handle = connections.writer();
    handle.exec('BEGIN IMMEDIATE');
    const counter = raiseCounter(handle);
    handle.exec('COMMIT');
    if (handle.inTransaction() || connections.reader().commitCounter() !== counter) {
      throw storeError('unavailable', 'a commit did not reach the file');
    }
  } catch (error) {
    connections.dropWriter();
    connections.dropReader();
    throw error;
  }
}

function raiseCounter(handle: Handle): number {
  const counter = (handle.commitCounter() + 1) & counterMask;
  handle.exec(`PRAGMA user_version = ${counter}`);
  return counter;
}

/** Runs one batch. Throws when the whole transaction is lost or must not go on. */
function runBatch(handle: Handle, statements: readonly Statement[]): BatchOutcome {
  handle.exec('SAVEPOINT batch');
  try {
    const value: StatementResult[] = [];
    for (const statement of statements) value.push(handle.run(statement));
    handle.exec('RELEASE batch');
    return { ok: true, value };
  } catch (error) {
    const isOwnFault = !isStoreError(error) || error.reason === 'constraint';
    // RAISE(ROLLBACK) and a full disk take the other batches' changes with them.
    if (!isOwnFault || !handle.inTransaction()) throw error;
    handle.exec('ROLLBACK TO batch');
    handle.exec('RELEASE batch');
    return { ok: false, error };
  }
}

/**
 * Finds out what became of a COMMIT that failed or could not be seen: on fresh connections, and behind a commit of
 * our own. Without that, frames of the failed commit that are still in the log could be taken for valid after a
 * power cut, or be valid without having been synced.
 */
function settleCommit(
  connections: Connections,
  counter: number,
  outcomes: readonly BatchOutcome[],
  error: unknown,
): GroupOutcome {
  connections.dropWriter();
  connections.dropReader();
  // Both fail before the frame that would have made it a commit.
  if (isStoreError(error, 'full') || isStoreError(error, 'constraint')) return { kind: 'failed', error };
  try {
    const isCommitted = connections.reader().commitCounter() === counter;
    commitFence(connections);
    if (isCommitted) return { kind: 'done', outcomes, committed: true };
    return isStoreError(error, 'busy') ? { kind: 'busy' } : { kind: 'failed', error };
  } catch {
    return { kind: 'failed', error: storeError('timeout', 'a commit failed and may yet turn up', error) };
  }
}

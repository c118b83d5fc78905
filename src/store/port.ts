/**
 * The storage port: what the control plane's stores may ask of a database, and what it promises them.
 * `embedded-node.ts` implements it over one libSQL file, `remote.ts` over libSQL by HTTP.
 */

/**
 * What may be bound to a `?`. Numbers are finite, and integers are safe ones; bigints fit 64 bits; texts are
 * well-formed and without NUL. Anything else is refused as a bug, so callers check what comes from outside.
 */
export type Argument = string | number | bigint | null | Uint8Array;

/**
 * One SQL statement. Placeholders are plain `?`, exactly as many as there are `args`. Integral numbers and
 * bigints are bound as INTEGER, other numbers as REAL, bytes as BLOB. No trailing second statement.
 */
export type Statement = { readonly sql: string; readonly args: readonly Argument[] };

/** What a column holds. An integer beyond `Number.MAX_SAFE_INTEGER` is never returned: the call rejects. */
export type Value = string | number | null | Uint8Array;

/**
 * A result row by column name. Two result columns of one name are refused as a bug: alias them
 * (`sql<string>\`…\`.as('holder_id')`), which a join of tables with equal column names needs.
 */
export type Row = { readonly [column: string]: Value };

/**
 * What one statement of a batch did. `changes` counts the rows that the statement itself inserted, updated or
 * deleted (not those of its triggers; 0 for a SELECT or a conditional statement that did not match). `rows` are
 * those of RETURNING or SELECT, else empty.
 */
export type StatementResult = { readonly changes: number; readonly rows: readonly Row[] };

/** One result a statement, in the order of the batch. */
export type WriteResult = readonly StatementResult[];

/**
 * Why the database could not do what it was asked. All but `timeout` mean that nothing of the batch was written: a
 * caller that meets `timeout` reads again before it decides.
 *
 * - `constraint`: a constraint or a trigger's RAISE(ABORT, 'code') refused the batch; `detail` is SQLite's message,
 *   for a trigger exactly its code (`lock_conflict`).
 * - `busy`: the write lock was not to be had in time, or too many batches are waiting. Trying again is sound.
 * - `in_use`: another process owns the file (only when opening).
 * - `full`: no room on the disk. `readonly`: the file or its directory cannot be written.
 * - `timeout`: no word on the outcome; the batch may have been written or may still be.
 * - `unavailable`: closed, unreachable, or the device failed.
 * - `corrupt`: not a database, damaged, or a value that no caller can have stored.
 */
export type StoreReason =
  | 'constraint'
  | 'busy'
  | 'in_use'
  | 'full'
  | 'readonly'
  | 'timeout'
  | 'unavailable'
  | 'corrupt';

/** The one kind of expected rejection. Anything else that is thrown is a bug (bad SQL, bad argument). */
export type StoreError = Error & { readonly reason: StoreReason; readonly detail: string };

export type Database = {
  /** Whether nothing else writes to it: what was read stays true then until a write through this object. */
  readonly isOwned: boolean;
  /**
   * Runs one statement that reads (SELECT, WITH, VALUES) and sees every write that was acknowledged before the
   * call. It can never write. Rejects with a StoreError.
   */
  readonly read: (statement: Statement) => Promise<readonly Row[]>;
  /**
   * Runs the statements in order as ONE atomic batch: all of them or none. There is no transaction that spans
   * calls, so whatever a batch depends on is a condition inside its statements (`WHERE`, a constraint, a trigger).
   * Foreign keys are enforced. A statement that matches no row is no failure; one that violates a constraint or raises rolls the whole batch
   * back and rejects with `constraint`. Batches are serialised. Once resolved, the batch survives a crash of the
   * process and a power cut. Transaction control, PRAGMA, ATTACH and VACUUM are refused as bugs.
   */
  readonly write: (statements: readonly Statement[]) => Promise<WriteResult>;
  /** Lets what is waiting finish, then releases the database. Later calls reject with `unavailable`. Idempotent. */
  readonly close: () => Promise<void>;
};

/** Makes the rejection. `cause` is for logs; `detail` is SQLite's own words and holds no argument's value. */
export function storeError(reason: StoreReason, detail: string, cause?: unknown): StoreError {
  const error = new Error(`store ${reason}: ${detail}`, cause === undefined ? undefined : { cause });
  error.name = 'StoreError';
  return Object.assign(error, { reason, detail });
}

/** Is it a StoreError (of this reason)? */
export function isStoreError(error: unknown, reason?: StoreReason): error is StoreError {
  return (
    error instanceof Error &&
    error.name === 'StoreError' &&
    'reason' in error &&
    (reason === undefined || error.reason === reason)
  );
}

/** What Drizzle's builders have in common. */
export type BuiltQuery = {
  readonly toSQL: () => { readonly sql: string; readonly params: readonly unknown[] };
};

/** A query built by Drizzle's sqlite dialect, as a Statement. Throws TypeError for what cannot be bound. */
export function toStatement(query: BuiltQuery): Statement {
  const { sql, params } = query.toSQL();
  return { sql, args: params.map(toArgument) };
}

/** Checks one value for binding. Throws TypeError (without the value) for what SQLite could not hold unchanged. */
export function toArgument(value: unknown): Argument {
  if (value === null || value instanceof Uint8Array) return value;
  if (typeof value === 'string') {
    // Both would come back as another string: cut off at the NUL, or with U+FFFD in place of half a pair.
    if (value.includes('\0') || !value.isWellFormed())
      throw new TypeError('a text to bind has NUL or half a pair');
    return value;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError('a number to bind must be finite');
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw new TypeError('an integer to bind must be safe');
    }
    return value;
  }
  if (typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) !== value) throw new TypeError('a bigint to bind must fit 64 bits');
    return value;
  }
  throw new TypeError(`a ${typeof value} cannot be bound`);
}

/** Time as the engines need it; tests pass their own. */
export type Timers = {
  /** Milliseconds that never go back. */
  readonly monotonicMs: () => number;
  /** Calls `run` once after `ms`; the returned function cancels. */
  readonly after: (ms: number, run: () => void) => () => void;
};

/** The runtime's own timers. */
export const systemTimers: Timers = {
  monotonicMs: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

import Libsql from 'libsql';
import { fromDriver, reasonOfCode, toBound } from './driver-values.ts';
import {
  type Row,
  type Statement,
  type StatementResult,
  type StoreError,
  storeError,
  type Value,
} from './port.ts';
import { inspectStatement, isReading, isSchemaChange, type StatementText } from './statement-text.ts';

/**
 * One connection to a libSQL file through its synchronous API. Every call blocks the event loop for as long as it
 * takes; the busy time-out is zero, so that it never blocks on a lock. All failures are StoreErrors or bugs.
 */
export type Handle = {
  /** Runs one statement of a batch to its end. */
  readonly run: (statement: Statement) => StatementResult;
  /** Runs text without arguments: transaction control and pragmas. */
  readonly exec: (sql: string) => void;
  /** The counter that every commit of this engine raises, as this connection sees it. */
  readonly commitCounter: () => number;
  /** Moves whenever this connection changes a row or the schema. */
  readonly changeMark: () => number;
  readonly inTransaction: () => boolean;
  /** Rolls back whatever is open and lets go of the file. Never throws. */
  readonly close: () => void;
};

type Prepared = {
  readonly text: StatementText;
  readonly statement: Libsql.Statement<unknown[]>;
  readonly isReader: boolean;
};

/** Distinct statements kept prepared; a store has some hundred. */
const maxPrepared = 500;

export type HandleOptions = {
  /** Makes every write on it fail. */
  readonly queryOnly: boolean;
  /** `delete` for a file that is to stand alone, with no log beside it; a write-ahead log otherwise. */
  readonly journal?: 'delete';
};

/** Opens a connection with this engine's settings. */
export function openHandle(path: string, options: HandleOptions): Handle {
  const database = guard(() => new Libsql(path, { timeout: 0 }));
  const prepared = new Map<string, Prepared>();
  let schemaChanges = 0;

  const exec = (sql: string): void => {
    guard(() => database.exec(sql));
  };
  const close = (): void => {
    prepared.clear();
    // A connection with statements that are not yet collected lives on in the background: it must hold no lock.
    try {
      if (database.inTransaction) database.exec('ROLLBACK');
    } catch {
      // Closing is all that is left to do.
    }
    try {
      database.close();
    } catch {
      // Already closed.
    }
  };

  try {
    // Durable at COMMIT: the write-ahead log is synced at each one (FULL), on macOS down to the platter.
    exec(`PRAGMA journal_mode = ${options.journal ?? 'WAL'}`);
    exec('PRAGMA synchronous = FULL');
    exec('PRAGMA fullfsync = ON');
    exec('PRAGMA foreign_keys = ON');
    exec('PRAGMA temp_store = MEMORY');
    // The log is copied into the file every 16 MB: each time costs two more syncs.
    exec('PRAGMA wal_autocheckpoint = 4000');
    exec('PRAGMA journal_size_limit = 67108864');
    if (options.queryOnly) {
      exec('PRAGMA query_only = ON');
      const mode = guard(() => database.prepare('PRAGMA journal_mode').all()) as { journal_mode: string }[];
      if (mode[0]?.journal_mode !== (options.journal ?? 'wal')) {
        throw storeError('readonly', 'the journal of the file cannot be switched');
      }
    }
  } catch (error) {
    close();
    throw error;
  }

  // Prepared when first needed. A connection that has prepared nothing closes at once, any other only when its
  // statements are collected: one that waits for a lock is opened and closed many times a second.
  let counter: Libsql.Statement<unknown[]> | undefined;
  let totals: Libsql.Statement<unknown[]> | undefined;

  const prepare = (sql: string): Prepared => {
    const known = prepared.get(sql);
    if (known) return known;
    const text = inspectStatement(sql);
    if (options.queryOnly && !isReading(text)) throw new TypeError(`${text.keyword} does not read`);
    const statement = guard(() => database.prepare(sql));
    if (statement.reader) {
      const names = statement.columns().map((column) => column.name);
      if (new Set(names).size !== names.length) throw new TypeError('two result columns of one name');
    }
    const entry = { text, statement, isReader: statement.reader };
    if (prepared.size >= maxPrepared) {
      for (const oldest of prepared.keys()) {
        prepared.delete(oldest);
        break;
      }
    }
    prepared.set(sql, entry);
    return entry;
  };

  return {
    run: ({ sql, args }) => {
      const { text, statement, isReader } = prepare(sql);
      if (text.placeholders !== args.length) {
        throw new TypeError(`${text.placeholders} placeholders but ${args.length} arguments`);
      }
      const bound = args.map(toBound);
      try {
        if (!isReader) {
          const info = guard(() => statement.run(bound));
          return { changes: isSchemaChange(text) ? 0 : info.changes, rows: [] };
        }
        // `all` steps a RETURNING statement to its end; `run` would leave it open and COMMIT would be refused.
        const rows = guard(() => statement.all(bound)).map(toRow);
        return { changes: text.isReturning ? rows.length : 0, rows };
      } finally {
        if (isSchemaChange(text)) {
          schemaChanges += 1;
          prepared.clear();
        }
      }
    },
    exec,
    commitCounter: () => {
      counter ??= guard(() => database.prepare('PRAGMA user_version'));
      const statement = counter;
      const rows = guard(() => statement.all([])) as { user_version: number }[];
      return rows[0]?.user_version ?? 0;
    },
    changeMark: () => {
      totals ??= guard(() => database.prepare('SELECT total_changes() AS total'));
      const statement = totals;
      const rows = guard(() => statement.all([])) as { total: number }[];
      return (rows[0]?.total ?? 0) + schemaChanges;
    },
    inTransaction: () => database.inTransaction,
    close,
  };
}

function toRow(raw: unknown): Row {
  const row = raw as Record<string, unknown>;
  for (const column in row) row[column] = fromDriver(row[column]);
  return row as Record<string, Value>;
}

function guard<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw toStoreError(error) ?? error;
  }
}

/** What libSQL throws, as a StoreError; undefined when it means a bug. */
function toStoreError(error: unknown): StoreError | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') {
    const reason = reasonOfCode(error.code);
    return reason === undefined ? undefined : storeError(reason, error.message, error);
  }
  // Opening fails with a plain Error that has no code: 14 is SQLITE_CANTOPEN.
  const opening = /^ConnectionFailed\(.*: (\d+)"\)$/s.exec(error.message);
  return opening
    ? storeError('unavailable', `the file cannot be opened (SQLite ${opening[1]})`, error)
    : undefined;
}

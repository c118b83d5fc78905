import { type Client, createClient, type ResultSet } from '@libsql/client/http';
import { fromDriver, reasonOfCode, toBound } from './driver-values.ts';
import {
  type Database,
  isStoreError,
  type Row,
  type Statement,
  type StatementResult,
  storeError,
  systemTimers,
  type Timers,
  type Value,
} from './port.ts';
import { slots } from './slots.ts';
import { inspectStatement, isReading, isSchemaChange, type StatementText } from './statement-text.ts';

/** The part of a libSQL client that the engine uses. Integers must come as numbers (`intMode: 'number'`). */
export type RemoteClient = Pick<Client, 'batch' | 'close'>;

export type RemoteOptions = {
  readonly client: RemoteClient;
  /** How long one round trip may take. */
  readonly timeoutMs?: number;
  /** How long a call tries again while the server says busy. */
  readonly busyTimeoutMs?: number;
  /** How many writes may be under way at once. */
  readonly writers?: number;
  readonly timers?: Timers;
};

const defaultTimeoutMs = 10_000;
const defaultBusyTimeoutMs = 5_000;
const longestBackoffMs = 250;
/** libsql-server answers BUSY to many writers at once, and was seen to hang under eight. */
const defaultWriters = 4;

/** The client for a libSQL server (`https:`, `libsql:`) with a time-out on each of its requests. */
export function connectRemote(options: {
  readonly url: string;
  readonly authToken?: string;
  readonly timeoutMs?: number;
}): RemoteClient {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  return createClient({
    url: options.url,
    ...(options.authToken === undefined ? {} : { authToken: options.authToken }),
    intMode: 'number',
    fetch: (request: Request) => fetchInTime(request, timeoutMs),
  });
}

/** Reads an answer whole, so that the time-out covers its body and no timer outlives it. */
async function fetchInTime(request: Request, timeoutMs: number): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  try {
    // A libsql-server takes two seconds to pack a megabyte that cannot be packed.
    request.headers.set('accept-encoding', 'identity');
    const answer = await fetch(request, { signal: late.signal });
    const body = await answer.arrayBuffer();
    const type = answer.headers.get('content-type');
    return new Response(body.byteLength === 0 ? null : body, {
      status: answer.status,
      ...(type !== null && { headers: { 'content-type': type } }),
    });
  } finally {
    clearTimeout(timer);
  }
}

/** The storage port over a libSQL client: each call is one batch, one round trip, never an open transaction. */
export function openRemote(options: RemoteOptions): Database {
  const timers = options.timers ?? systemTimers;
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const busyTimeoutMs = options.busyTimeoutMs ?? defaultBusyTimeoutMs;
  const writers = slots(options.writers ?? defaultWriters, timers);
  let isClosed = false;
  const open = new Set<Promise<unknown>>();

  const inTime = (answer: Promise<ResultSet[]>): Promise<ResultSet[]> => {
    return new Promise((resolve, reject) => {
      const cancel = timers.after(timeoutMs, () =>
        reject(storeError('timeout', `no answer in ${timeoutMs} ms`)),
      );
      answer.then(resolve, reject).finally(cancel);
    });
  };

  const run = async (
    statements: readonly Statement[],
    mode: 'read' | 'write',
  ): Promise<StatementResult[]> => {
    const texts = statements.map((statement) => checkStatement(statement, mode));
    const bound = statements.map(({ sql, args }) => ({ sql, args: args.map(toBound) }));
    const deadlineMs = timers.monotonicMs() + busyTimeoutMs;
    for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, longestBackoffMs)) {
      if (isClosed) throw storeError('unavailable', 'the database is closed');
      let results: ResultSet[];
      try {
        results = await inTime(options.client.batch(bound, mode));
      } catch (error) {
        const known = toKnown(error, mode);
        const leftMs = deadlineMs - timers.monotonicMs();
        if (!isStoreError(known, 'busy') || leftMs <= 0) throw known;
        await new Promise<void>((resolve) => timers.after(Math.min(pauseMs, leftMs), resolve));
        continue;
      }
      return results.map((result, index) => toResult(result, texts[index]));
    }
  };

  const runInTurn = async (statements: readonly Statement[]): Promise<StatementResult[]> => {
    const leave = await writers.enter(busyTimeoutMs);
    try {
      return await run(statements, 'write');
    } finally {
      leave();
    }
  };

  const track = async <T>(call: Promise<T>): Promise<T> => {
    open.add(call);
    try {
      return await call;
    } finally {
      open.delete(call);
    }
  };

  return {
    isOwned: false,
    read: async (statement) => (await track(run([statement], 'read')))[0]?.rows ?? [],
    write: async (statements) => (statements.length === 0 ? [] : track(runInTurn(statements))),
    close: async () => {
      await Promise.allSettled(open);
      if (!isClosed) options.client.close();
      isClosed = true;
    },
  };
}

function checkStatement({ sql, args }: Statement, mode: 'read' | 'write'): StatementText {
  const text = inspectStatement(sql);
  if (mode === 'read' && !isReading(text)) throw new TypeError(`${text.keyword} does not read`);
  if (text.placeholders !== args.length) {
    throw new TypeError(`${text.placeholders} placeholders but ${args.length} arguments`);
  }
  return text;
}

function toResult(result: ResultSet, text: StatementText | undefined): StatementResult {
  const rows = toRows(result);
  if (text === undefined || isSchemaChange(text)) return { changes: 0, rows };
  return { changes: text.isReturning ? rows.length : result.rowsAffected, rows };
}

function toRows({ columns, rows }: ResultSet): Row[] {
  if (new Set(columns).size !== columns.length) throw new TypeError('two result columns of one name');
  return rows.map((row) => {
    const plain: Record<string, Value> = {};
    columns.forEach((column, index) => {
      plain[column] = fromDriver(row[index]);
    });
    return plain;
  });
}

/** What the client threw, as a StoreError; itself when it means a bug in the statement. */
function toKnown(error: unknown, mode: 'read' | 'write'): unknown {
  if (!(error instanceof Error) || isStoreError(error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const reason = reasonOfCode(code);
  if (reason !== undefined) return storeError(reason, withoutPrefix(error.message), error);
  if (/^(?:SQLITE|SQL|ARGS)_/.test(code)) return error;
  // `intMode: 'number'` refuses integers that are not safe.
  if (error instanceof RangeError && mode === 'read') return storeError('corrupt', error.message, error);
  if (isRefused(error)) return storeError('unavailable', error.message, error);
  // The connection broke or the server failed: a write may have gone through before that.
  return storeError(mode === 'read' ? 'unavailable' : 'timeout', error.message, error);
}

/** Did the server refuse the request itself (400 to 499: credentials, address)? Then it ran nothing. */
function isRefused(error: Error): boolean {
  const { cause } = error;
  if (!(cause instanceof Error) || !('status' in cause) || typeof cause.status !== 'number') return false;
  return cause.status >= 400 && cause.status < 500;
}

/** Clients and servers put their own words before SQLite's (`SQLITE_CONSTRAINT: SQLite error: lock_conflict`). */
function withoutPrefix(message: string): string {
  return message.replace(/^(?:SQLITE_[A-Z_]+: )*(?:SQLite (?:input )?error: )?/, '');
}

/**
 * libSQL over HTTP: version 2 of the Hrana protocol with JSON, which every libsql-server and Turso speak. Of it only an
 * atomic batch is needed here, one request each. The client that libSQL publishes speaks WebSockets, Protobuf and
 * interactive transactions as well, a tenth of what may be put on the edge.
 */

/** What may be sent: integers as bigints, because numbers go as REAL. */
export type Bound = string | number | bigint | null | Uint8Array;

export type BoundStatement = { readonly sql: string; readonly args: Bound[] };

/** What one statement gave. Integers come as numbers, and beyond the safe range not at all; bytes as they are. */
export type ResultTable = {
  readonly columns: readonly string[];
  readonly rows: readonly ArrayLike<unknown>[];
  readonly rowsAffected: number;
};

/** Runs statements as one transaction: all of them or none. Rejects with a RemoteError, a RangeError or what `fetch` threw. */
export type RemoteClient = {
  batch(statements: BoundStatement[], mode: 'read' | 'write'): Promise<ResultTable[]>;
  close(): void;
};

/** What the server said: SQLite's code where a statement failed, the status where it refused the request. */
export type RemoteError = Error & { readonly code?: string | undefined; readonly status?: number };

export type HranaOptions = {
  /** `libsql:` is `https:`. */
  readonly url: string;
  readonly authToken?: string;
  /** How long a request and its answer may take. */
  readonly timeoutMs: number;
};

type WireValue =
  | { readonly type: 'null' }
  | { readonly type: 'integer'; readonly value: string }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'blob'; readonly base64: string };

type WireError = { readonly message: string; readonly code?: string };

/** One entry a step; null for a step that did not run or, among errors, did not fail. */
type BatchResult = {
  readonly step_results: readonly ({
    readonly cols: readonly { readonly name: string | null }[];
    readonly rows: readonly (readonly WireValue[])[];
    readonly affected_row_count: number;
  } | null)[];
  readonly step_errors: readonly (WireError | null)[];
};

type PipelineResult =
  | { readonly type: 'ok'; readonly response: { readonly result: BatchResult } }
  | { readonly type: 'error'; readonly error: WireError };

const begin = { read: 'BEGIN TRANSACTION READONLY', write: 'BEGIN IMMEDIATE' } as const;

/** The client of one database. */
export function hranaClient(options: HranaOptions): RemoteClient {
  const url = new URL('v2/pipeline', options.url.replace(/^libsql:/, 'https:')).href;
  const headers = {
    'content-type': 'application/json',
    // A libsql-server takes two seconds to pack a megabyte that cannot be packed.
    'accept-encoding': 'identity',
    ...(options.authToken !== undefined && { authorization: `Bearer ${options.authToken}` }),
  };
  return {
    batch: async (statements, mode) => {
      const requests = [{ type: 'batch', batch: { steps: stepsOf(statements, mode) } }, { type: 'close' }];
      const answer = await post(url, headers, JSON.stringify({ requests }), options.timeoutMs);
      const [first] = (JSON.parse(answer) as { readonly results: readonly PipelineResult[] }).results;
      if (first?.type === 'error') throw errorOf(first.error);
      if (first?.type !== 'ok') throw new Error('the database answered without a result');
      return tablesOf(first.response.result, statements.length);
    },
    close: () => undefined,
  };
}

/** The transaction around them. Each step runs if the one before went well, and what was not committed is undone. */
function stepsOf(statements: readonly BoundStatement[], mode: 'read' | 'write'): readonly unknown[] {
  const inOrder = [{ sql: begin[mode], args: [] }, ...statements, { sql: 'COMMIT', args: [] }];
  const steps = inOrder.map(({ sql, args }, step) => ({
    ...(step > 0 && { condition: { type: 'ok', step: step - 1 } }),
    stmt: { sql, args: args.map(toWire), want_rows: true },
  }));
  const condition = { type: 'not', cond: { type: 'ok', step: steps.length - 1 } };
  return [...steps, { condition, stmt: { sql: 'ROLLBACK', args: [], want_rows: false } }];
}

/** The results of the statements, which stand between BEGIN and COMMIT. Throws the first error of any of these. */
function tablesOf(result: BatchResult, count: number): ResultTable[] {
  const failed = result.step_errors.slice(0, count + 2).find((error) => error !== null);
  if (failed) throw errorOf(failed);
  return Array.from({ length: count }, (_, index) => {
    const table = result.step_results[index + 1];
    if (!table) throw new Error('the database did not run a statement, and does not say why');
    return {
      columns: table.cols.map(({ name }) => name ?? ''),
      rows: table.rows.map((row) => row.map(fromWire)),
      rowsAffected: table.affected_row_count,
    };
  });
}

/** Reads the answer whole, so that the time-out covers its body and no timer outlives it. */
async function post(
  url: string,
  headers: Record<string, string>,
  body: string,
  timeoutMs: number,
): Promise<string> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  try {
    const answer = await fetch(url, { method: 'POST', headers, body, signal: late.signal });
    const text = await answer.text();
    if (answer.ok) return text;
    const { status } = answer;
    throw Object.assign(new Error(`the database answered with status ${status}`), { status });
  } finally {
    clearTimeout(timer);
  }
}

const errorOf = ({ message, code }: WireError): RemoteError => Object.assign(new Error(message), { code });

function toWire(value: Bound): WireValue {
  if (value === null) return { type: 'null' };
  if (typeof value === 'bigint') return { type: 'integer', value: String(value) };
  if (typeof value === 'number') return { type: 'float', value };
  if (typeof value === 'string') return { type: 'text', value };
  let binary = '';
  for (let at = 0; at < value.length; at += chunkBytes) {
    binary += String.fromCharCode(...value.subarray(at, at + chunkBytes));
  }
  return { type: 'blob', base64: btoa(binary) };
}

/** Far below the number of arguments that a call may have. */
const chunkBytes = 8_192;

function fromWire(value: WireValue): unknown {
  switch (value.type) {
    case 'null':
      return null;
    case 'integer':
      return toSafe(Number(value.value));
    case 'blob':
      return Uint8Array.from(atob(value.base64), (character) => character.charCodeAt(0));
    default:
      return value.value;
  }
}

function toSafe(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError('an integer beyond the safe range');
  return value;
}

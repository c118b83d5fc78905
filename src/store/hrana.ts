/**
 * libSQL over HTTP: of Hrana 2 (docs/HTTP_V2_SPEC.md and docs/HRANA_2_SPEC.md in libsql's repository) what one atomic
 * batch needs, in one request. The official client brings cursors, web sockets and a second encoding, which would be an
 * eighth of the Worker.
 */

/** What may be bound; integers come as bigints. */
export type HranaArgument = string | number | bigint | null | Uint8Array;
export type HranaStatement = { readonly sql: string; readonly args: HranaArgument[] };
export type HranaResult = {
  readonly columns: readonly string[];
  readonly rows: readonly ArrayLike<unknown>[];
  readonly rowsAffected: number;
};

export type HranaClient = {
  /**
   * Runs statements in a transaction of their own. Rejects with an error whose `code` is the server's, such as
   * `SQLITE_CONSTRAINT`, or whose `status` is that of an answer that is none of a database.
   */
  batch(statements: HranaStatement[], mode: 'read' | 'write'): Promise<HranaResult[]>;
  close(): void;
};

type Value =
  | { readonly type: 'null' }
  | { readonly type: 'integer' | 'text'; readonly value: string }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'blob'; readonly base64: string };
type Failure = { readonly message: string; readonly code?: string | null };
type StepResult = {
  readonly cols: readonly { readonly name: string | null }[];
  readonly rows: readonly (readonly Value[])[];
  readonly affected_row_count: number;
};
type BatchResult = {
  readonly step_results: readonly (StepResult | null)[];
  readonly step_errors: readonly (Failure | null)[];
};

const hranaError = (message: string, more: { code?: string; status?: number } = {}): Error =>
  Object.assign(new Error(message), more);
const errorOf = ({ message, code }: Failure): Error => hranaError(message, code ? { code } : {});

/** A client for a server at `libsql:` (which is `https:` then), `https:` or `http:`. Each request has a time-out. */
export function connectHrana(options: {
  readonly url: string;
  readonly authToken?: string;
  readonly timeoutMs: number;
}): HranaClient {
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
      return resultsOf(batchIn(answer), statements.length);
    },
    close: () => {},
  };
}

/** Reads an answer whole, so that the time-out covers its body and no timer outlives it. */
async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  timeoutMs: number,
): Promise<unknown> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  try {
    const answer = await fetch(url, { method: 'POST', headers, body, signal: late.signal });
    const text = await answer.text();
    if (answer.ok) return JSON.parse(text) as unknown;
    throw hranaError(`the server answered with ${answer.status}`, { status: answer.status });
  } finally {
    clearTimeout(timer);
  }
}

/** Each step runs if the one before went well; what was not committed in the end is rolled back. */
function stepsOf(statements: readonly HranaStatement[], mode: 'read' | 'write'): object[] {
  const begin = mode === 'read' ? 'BEGIN TRANSACTION READONLY' : 'BEGIN IMMEDIATE';
  const ok = (step: number) => ({ type: 'ok', step });
  const last = statements.length;
  return [
    { stmt: { sql: begin, want_rows: false } },
    ...statements.map(({ sql, args }, index) => ({
      condition: ok(index),
      stmt: { sql, args: args.map(encode), want_rows: true },
    })),
    { condition: ok(last), stmt: { sql: 'COMMIT', want_rows: false } },
    { condition: { type: 'not', cond: ok(last + 1) }, stmt: { sql: 'ROLLBACK', want_rows: false } },
  ];
}

function batchIn(answer: unknown): BatchResult {
  const [first] = (answer as { results: readonly unknown[] }).results as readonly [
    | { readonly type: 'ok'; readonly response: { readonly result: BatchResult } }
    | { readonly type: 'error'; readonly error: Failure },
  ];
  if (first.type === 'error') throw errorOf(first.error);
  return first.response.result;
}

function resultsOf(
  { step_results: results, step_errors: errors }: BatchResult,
  count: number,
): HranaResult[] {
  // The rollback that may follow fails where the server rolled back by itself.
  const failure = errors.slice(0, count + 2).find((error) => error != null);
  if (failure != null) throw errorOf(failure);
  if (results[count + 1] == null) throw hranaError('the batch was not committed');
  return results.slice(1, count + 1).map((result) => ({
    columns: result!.cols.map(({ name }) => name ?? ''),
    rows: result!.rows.map((row) => row.map(decode)),
    rowsAffected: result!.affected_row_count,
  }));
}

function encode(value: HranaArgument): Value {
  if (value === null) return { type: 'null' };
  if (typeof value === 'string') return { type: 'text', value };
  if (typeof value === 'bigint') return { type: 'integer', value: String(value) };
  return typeof value === 'number' ? { type: 'float', value } : { type: 'blob', base64: toBase64(value) };
}

function decode(value: Value): string | number | null | Uint8Array {
  switch (value.type) {
    case 'null':
      return null;
    case 'integer': {
      const number = Number(value.value);
      if (Number.isSafeInteger(number)) return number;
      throw new RangeError('an integer beyond the safe range');
    }
    case 'blob':
      return fromBase64(value.base64);
    default:
      return value.value;
  }
}

/** A multiple of three bytes, and as many arguments as a function takes. */
const chunkBytes = 24_576;

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + chunkBytes)));
  }
  return text;
}

function fromBase64(base64: string): Uint8Array {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

import * as v from 'valibot';
import type { DriverClock } from './clock.ts';
import type { HttpsClient, HttpsResult } from './https-client.ts';
import {
  failure,
  failureOfHttp,
  oneLine,
  type ProxmoxFailure,
  type ProxmoxResult,
} from './proxmox-errors.ts';

export type ProxmoxCall<T> = {
  readonly method: 'GET' | 'POST';
  /** Below `/api2/json`, its parts already encoded. */
  readonly path: string;
  /** A list is given as one parameter of that name for each. */
  readonly params?: Readonly<Record<string, string | number | readonly string[]>>;
  /** The shape of `data`; what does not match is `bad_answer`. */
  readonly shape: v.GenericSchema<unknown, T>;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  readonly signal?: AbortSignal | undefined;
};

/** One call of the API: never throws, never logs, and tells the server's reasons apart. */
export type ProxmoxHttp = <T>(call: ProxmoxCall<T>) => Promise<ProxmoxResult<T>>;

export type ProxmoxHttpDeps = {
  readonly client: HttpsClient;
  /** `https://host:8006`. */
  readonly baseUrl: string;
  /** `USER@REALM!TOKENID=SECRET`. */
  readonly token: string;
  readonly clock: DriverClock;
};

// A proxy between Proxmox VE's daemons gives up after 30 s, with a 599 that says so: wait a little longer.
const defaultTimeoutMs = 35_000;
const defaultMaxBytes = 256 * 1024;
const noWorkerPausesMs = [500, 1_000, 2_000];

const tokenPattern = /^[^\s!@:/]+@[^\s!@:/]+![A-Za-z][A-Za-z0-9._-]*=[\x21-\x7e]+$/;

const bodyShape = v.looseObject({
  data: v.unknown(),
  message: v.optional(v.string()),
  errors: v.optional(v.unknown()),
});

/** Throws when the token or the address is malformed: both are configuration. The message never holds the token. */
export function createProxmoxHttp({ client, baseUrl, token, clock }: ProxmoxHttpDeps): ProxmoxHttp {
  if (!tokenPattern.test(token)) throw new Error('the Proxmox token is not of the form USER@REALM!ID=SECRET');
  const origin = new URL(baseUrl).origin;

  const once = async <T>(call: ProxmoxCall<T>): Promise<ProxmoxResult<T>> => {
    const query = new URLSearchParams(
      Object.entries(call.params ?? {}).flatMap(([name, value]): [string, string][] =>
        (typeof value === 'object' ? value : [String(value)]).map((one) => [name, one]),
      ),
    ).toString();
    const reading = call.method === 'GET';
    const url = `${origin}/api2/json${call.path}${reading && query !== '' ? `?${query}` : ''}`;
    const answer = await client.request({
      method: call.method,
      url,
      headers: {
        authorization: `PVEAPIToken=${token}`,
        accept: 'application/json',
        ...(!reading && { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(!reading && { body: query }),
      timeoutMs: call.timeoutMs ?? defaultTimeoutMs,
      maxBytes: call.maxBytes ?? defaultMaxBytes,
      ...(call.signal && { signal: call.signal }),
      // An order must not be repeated because a kept connection broke in the middle of it.
      reuse: reading,
    });
    return readAnswer(answer, call.shape);
  };

  return async (call) => {
    let result = await once(call);
    for (const pauseMs of noWorkerPausesMs) {
      // No worker came to be, so that asking again cannot do anything twice.
      if (result.ok || result.reason !== 'no_worker' || call.signal?.aborted) break;
      await clock.sleep(pauseMs, call.signal);
      if (call.signal?.aborted) break;
      result = await once(call);
    }
    return result;
  };
}

function readAnswer<T>(answer: HttpsResult, shape: v.GenericSchema<unknown, T>): ProxmoxResult<T> {
  if (!answer.ok) return failureOfTransport(answer);
  const body = parseBody(answer.body);
  if (answer.status >= 400) {
    return failureOfHttp({
      status: answer.status,
      message: body?.message ?? (answer.statusText || answer.body.toString('utf8', 0, 1024)),
      errors: stringsOf(body?.errors),
    });
  }
  if (answer.status !== 200) return failure('bad_answer', `HTTP ${answer.status}`);
  if (body === undefined) return failure('bad_answer', 'not a JSON object with data');
  const data = v.safeParse(shape, body.data);
  if (data.success) return { ok: true, value: data.output };
  const issue = data.issues[0];
  return failure('bad_answer', `data${pathOf(issue)}: expected ${issue.expected ?? issue.type}`);
}

function parseBody(bytes: Buffer): v.InferOutput<typeof bodyShape> | undefined {
  try {
    const parsed = v.safeParse(bodyShape, JSON.parse(bytes.toString('utf8')));
    return parsed.success && 'data' in parsed.output ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

function stringsOf(errors: unknown): Record<string, string> {
  if (typeof errors !== 'object' || errors === null || Array.isArray(errors)) return {};
  const strings = Object.entries(errors).filter((entry): entry is [string, string] => {
    return typeof entry[1] === 'string';
  });
  return Object.fromEntries(strings);
}

function pathOf(issue: v.BaseIssue<unknown>): string {
  return oneLine((issue.path ?? []).map((part) => `.${String(part.key)}`).join(''), 80);
}

function failureOfTransport(answer: Extract<HttpsResult, { ok: false }>): ProxmoxFailure {
  const detail = oneLine(answer.cause);
  switch (answer.reason) {
    case 'timeout':
    case 'unreachable':
    case 'aborted':
    case 'tls':
      return { ok: false, reason: answer.reason, sent: answer.sent, detail };
    case 'pin_mismatch':
      return failure('pin_mismatch', detail);
    case 'too_large':
    case 'bad_answer':
      return failure('bad_answer', detail);
  }
}

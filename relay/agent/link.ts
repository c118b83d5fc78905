import * as v from 'valibot';
import { problemSchema } from '../../schema/api/problem.ts';
import { digestBytes, toBytes } from '../../schema/jose/digest.ts';
import { parsePayload, signJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import { parseStrictJson } from '../../schema/jose/strict-json.ts';
import type { Origin } from '../../schema/trust/document.ts';
import { maxBodyBytes } from '../../schema/wire/limits.ts';
import { type Proof, proofScheme } from '../../schema/wire/proof.ts';
import { createHttpsClient, type HttpsAnswer, type HttpsClient } from '../drivers/https-client.ts';
import type { Log } from '../log.ts';

export type LinkRequest<S extends v.GenericSchema> = {
  readonly method: 'GET' | 'POST';
  /** Path and query. */
  readonly path: string;
  /** Made anew for each origin that is tried, so that numbered requests never go out twice under one number. */
  readonly body?: () => object;
  /** The answer's shape; what does not match counts as a failure of that origin. */
  readonly schema: S;
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
};

/** A request for bytes that are known by what they must be. */
export type BytesRequest = {
  readonly path: string;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether these are the bytes; if not, that counts as a failure of that origin. */
  fits(bytes: Uint8Array<ArrayBuffer>): Promise<boolean>;
};

export type LinkFailure =
  /** No origin answered as the API does. */
  | { readonly ok: false; readonly reason: 'unreachable'; readonly detail: string }
  /** The API answered, and refused. */
  | {
      readonly ok: false;
      readonly reason: 'refused';
      readonly status: number;
      readonly code: string;
      readonly detail: string;
    }
  | { readonly ok: false; readonly reason: 'aborted'; readonly detail: string };

export type LinkResult<T> = { readonly ok: true; readonly value: T } | LinkFailure;

/** Requests to the control API, each with a proof by the relay's key, over whichever origin works. */
export type Link = {
  /** Never throws. Origins are tried in order, beginning with the one that worked last. */
  call<S extends v.GenericSchema>(request: LinkRequest<S>): Promise<LinkResult<v.InferOutput<S>>>;
  /** The same for bytes that are asked for by GET. */
  bytes(request: BytesRequest): Promise<LinkResult<Uint8Array<ArrayBuffer>>>;
  close(): void;
};

export type LinkDeps = {
  readonly home: string;
  readonly key: SigningKey;
  /** The trust document's, in its order; asked before each request, because trust changes while a relay runs. */
  origins(): readonly Origin[];
  readonly clock: { now(): number; uptimeMs(): number };
  /** 16 to 32 random bytes as base64url. */
  nonce(): string;
  readonly log: Log;
  /** After this long on a fallback, the first origin is tried again. */
  readonly retryFirstMs?: number;
};

const defaultTimeoutMs = 30_000;
const defaultRetryFirstMs = 5 * 60_000;

/** The link of one relay to the origins of its trust document. */
export function createLink(deps: LinkDeps): Link {
  const { home, key, clock, log } = deps;
  const retryFirstMs = deps.retryFirstMs ?? defaultRetryFirstMs;
  const clients = new Map<string, HttpsClient>();
  let working: string | null = null;
  let firstTriedAt = clock.uptimeMs();

  const keyOf = (origin: Origin): string => `${origin.url} ${origin.spki ?? ''}`;

  const clientOf = (origin: Origin): HttpsClient => {
    const known = clients.get(keyOf(origin));
    if (known !== undefined) return known;
    const client = createHttpsClient({
      ...(origin.spki !== undefined && { pin: origin.spki }),
      maxSockets: 4,
      // The trust document's schema allows plain HTTP on loopback alone.
      allowHttp: origin.url.startsWith('http://'),
    });
    clients.set(keyOf(origin), client);
    return client;
  };

  /** Clients of origins that trust no longer names end with their connections. */
  const forget = (origins: readonly Origin[]): void => {
    const named = new Set(origins.map(keyOf));
    for (const [id, client] of clients) {
      if (named.has(id)) continue;
      client.close();
      clients.delete(id);
    }
  };

  const inOrder = (origins: readonly Origin[]): readonly Origin[] => {
    const sticky = origins.find((origin) => keyOf(origin) === working);
    if (sticky === undefined || sticky === origins[0]) return origins;
    if (clock.uptimeMs() - firstTriedAt >= retryFirstMs) return origins;
    return [sticky, ...origins.filter((origin) => origin !== sticky)];
  };

  const attempt = async (
    origin: Origin,
    request: Omit<LinkRequest<v.GenericSchema>, 'schema'>,
    accept: string,
  ): Promise<HttpsAnswer | LinkFailure> => {
    const body = request.body === undefined ? '' : JSON.stringify(request.body());
    const proof: Proof = {
      home,
      method: request.method,
      url: request.path,
      body: await digestBytes(toBytes(body)),
      time: clock.now(),
      nonce: deps.nonce(),
    };
    const answer = await clientOf(origin).request({
      method: request.method,
      url: origin.url + request.path,
      headers: {
        authorization: `${proofScheme} ${await signJws('proof', proof, key)}`,
        accept,
        ...(request.body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(request.body !== undefined && { body }),
      timeoutMs: request.timeoutMs ?? defaultTimeoutMs,
      maxBytes: request.maxBytes ?? maxBodyBytes,
      ...(request.signal !== undefined && { signal: request.signal }),
    });
    if (!answer.ok) {
      const detail = `${origin.url}: ${answer.reason} (${answer.cause})`;
      return { ok: false, reason: answer.reason === 'aborted' ? 'aborted' : 'unreachable', detail };
    }
    return answer;
  };

  /** Asks one origin after the other, until one answers as the API does. */
  const inTurn = async <T>(ask: (origin: Origin) => Promise<LinkResult<T>>): Promise<LinkResult<T>> => {
    const origins = deps.origins();
    forget(origins);
    const failures: string[] = [];
    for (const origin of inOrder(origins)) {
      if (origin === origins[0]) firstTriedAt = clock.uptimeMs();
      const result = await ask(origin);
      if (!result.ok && result.reason === 'aborted') return result;
      if (!result.ok && result.reason === 'unreachable') {
        failures.push(result.detail);
        continue;
      }
      if (working !== keyOf(origin)) {
        working = keyOf(origin);
        log.info('origin_in_use', { origin: origin.url });
      }
      return result;
    }
    return { ok: false, reason: 'unreachable', detail: failures.join('; ').slice(0, 500) };
  };

  return {
    call: (request) =>
      inTurn(async (origin) => {
        const answer = await attempt(origin, request, 'application/json');
        return answer.ok ? readAnswer(origin, answer, request) : answer;
      }),
    bytes: ({ fits, ...request }) =>
      inTurn(async (origin) => {
        const asked = { method: 'GET', ...request } as const;
        const answer = await attempt(origin, asked, 'application/octet-stream');
        if (!answer.ok) return answer;
        if (answer.status !== 200 || typeOf(answer) !== 'application/octet-stream') {
          return readProblem(origin, answer);
        }
        const bytes = new Uint8Array(answer.body);
        if (await fits(bytes)) return { ok: true, value: bytes };
        return {
          ok: false,
          reason: 'unreachable',
          detail: `${origin.url}: not the bytes that were asked for`,
        };
      }),
    close() {
      for (const client of clients.values()) client.close();
      clients.clear();
    },
  };
}

const typeOf = (answer: HttpsAnswer): string | undefined =>
  (answer.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();

/** Only the API's own words count: a proxy's error page means that this origin does not work. */
function readAnswer<S extends v.GenericSchema>(
  origin: Origin,
  answer: HttpsAnswer,
  request: LinkRequest<S>,
): LinkResult<v.InferOutput<S>> {
  const maxBytes = request.maxBytes ?? maxBodyBytes;
  const empty = answer.status === 204;
  if (empty || (answer.status === 200 && typeOf(answer) === 'application/json')) {
    const parsed = parsePayload(empty ? '{}' : answer.body, request.schema, maxBytes);
    if (parsed.ok) return parsed;
    const detail = `${origin.url}: not the API's answer (${parsed.detail ?? parsed.reason})`;
    return { ok: false, reason: 'unreachable', detail };
  }
  return readProblem(origin, answer);
}

function readProblem(origin: Origin, answer: HttpsAnswer): LinkFailure {
  if (answer.status >= 400 && typeOf(answer) === 'application/problem+json') {
    const json = parseStrictJson(answer.body, { maxBytes: 64 * 1024, maxDepth: 4 });
    const problem = json.ok ? v.safeParse(problemSchema, json.value) : undefined;
    if (problem?.success) {
      const { code, detail } = problem.output;
      return { ok: false, reason: 'refused', status: answer.status, code, detail: detail.slice(0, 300) };
    }
  }
  return { ok: false, reason: 'unreachable', detail: `${origin.url}: HTTP ${answer.status}, not by the API` };
}

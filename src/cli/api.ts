import * as v from 'valibot';
import { type Problem, problemSchema } from '../../schema/api/problem.ts';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { digestBytes, toBytes } from '../../schema/jose/digest.ts';
import { parsePayload, signJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import { type Proof, proofScheme } from '../../schema/wire/proof.ts';
import { createHttpClient, type HttpAnswer, type HttpFailure } from './https.ts';
import { exits, type Failure } from './outcome.ts';
import { onOneLine } from './text.ts';

type Call<S extends v.GenericSchema> = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query. */
  readonly url: string;
  readonly body?: unknown;
  /** The shape that the answer must have. */
  readonly answer: S;
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
  /** Of a mutating call: repeats of one order carry the same key. Made up when absent. */
  readonly idempotencyKey?: string;
  /** Of what is verified to the byte: its texts are left as they came. */
  readonly verbatim?: true;
};

export type ApiAnswer<T> = {
  readonly ok: true;
  readonly value: T;
  readonly status: number;
  /** SHA-256 of the certificate of who answered, in lower-case hex. */
  readonly certificate: string | null;
};

export type ApiFailure = Failure & {
  /** Whether the request may have been done all the same, or may be when it is repeated. */
  readonly ambiguous: boolean;
};

/** The control plane's API as a program of the owner's speaks it: pinned, every request authorised. */
export type Api = {
  readonly origin: string;
  call<S extends v.GenericSchema>(call: Call<S>): Promise<ApiAnswer<v.InferOutput<S>> | ApiFailure>;
  /** Gets bytes as they are; whoever asks holds them against their digest. */
  getBytes(url: string, maxBytes: number): Promise<{ ok: true; value: Uint8Array<ArrayBuffer> } | ApiFailure>;
  /** Puts bytes as they are. Of the answer, nothing but its status counts. */
  putBytes(url: string, bytes: Uint8Array<ArrayBuffer>): Promise<{ ok: true } | ApiFailure>;
};

/** Where an API is, and what its caller needs of the machine. */
export type ApiPlace = {
  readonly origin: string;
  readonly spki: string | null;
  readonly random: (bytes: number) => Uint8Array<ArrayBuffer>;
  readonly signal?: AbortSignal;
};

export type ApiDeps = ApiPlace & {
  readonly home: string;
  readonly operator: SigningKey;
  readonly now: () => number;
};

/** What the header `authorization` of one request says; or why there is nothing that it could say. */
export type Authorise = (request: {
  readonly method: Sent['method'];
  readonly url: string;
  readonly body: Uint8Array<ArrayBuffer>;
}) => Promise<{ readonly ok: true; readonly value: string } | ApiFailure>;

type Sent = {
  readonly method: Call<v.GenericSchema>['method'];
  readonly url: string;
  readonly body?: { readonly type: string; readonly bytes: Uint8Array<ArrayBuffer> };
  readonly accept: string;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly idempotencyKey?: string;
};

const jsonType = 'application/json';
const bytesType = 'application/octet-stream';
/** A blob at 70 KB/s. */
const bytesTimeoutMs = 120_000;

/** The API as the owner's computer speaks it: every request carries a proof by the operator key. */
export const createApi = (deps: ApiDeps): Api =>
  createApiFor(deps, async ({ method, url, body }) => {
    const proof: Proof = {
      home: deps.home,
      method,
      url,
      body: await digestBytes(body),
      time: deps.now(),
      nonce: encodeBase64url(deps.random(16)),
    };
    return { ok: true, value: `${proofScheme} ${await signJws('proof', proof, deps.operator)}` };
  });

/** The API for a caller who proves who it is in a way of its own. */
export function createApiFor(deps: ApiPlace, authorise: Authorise): Api {
  const http = createHttpClient(deps);
  const { origin } = deps;

  /** One request with its authorisation; what is no success is a failure already. */
  async function send(sent: Sent): Promise<HttpAnswer | ApiFailure> {
    const { method, url, body } = sent;
    const said = await authorise({ method, url, body: body?.bytes ?? new Uint8Array(0) });
    if (!said.ok) return said;
    const headers: Record<string, string> = { accept: sent.accept, authorization: said.value };
    if (body !== undefined) headers['content-type'] = body.type;
    if (method !== 'GET') {
      headers['idempotency-key'] = sent.idempotencyKey ?? encodeBase64url(deps.random(16));
    }
    const answered = await http.request({
      method,
      url,
      headers,
      ...(body !== undefined && { body: body.bytes }),
      timeoutMs: sent.timeoutMs,
      maxBytes: sent.maxBytes,
      ...(deps.signal && { signal: deps.signal }),
    });
    if (!answered.ok) return unreachable(origin, answered);
    if (answered.status >= 400 || answered.status < 200) {
      return refused(origin, answered.status, answered.body);
    }
    return answered;
  }

  return {
    origin,
    async call({ method, url, body, answer, maxBytes = 8 * 1024 * 1024, timeoutMs = 30_000, ...call }) {
      const answered = await send({
        method,
        url,
        ...(body !== undefined && { body: { type: jsonType, bytes: toBytes(JSON.stringify(body)) } }),
        accept: jsonType,
        maxBytes,
        timeoutMs,
        ...(call.idempotencyKey !== undefined && { idempotencyKey: call.idempotencyKey }),
      });
      if (!answered.ok) return answered;
      const parsed = parsePayload(answered.body, answer, maxBytes);
      if (!parsed.ok) {
        return {
          ok: false,
          exit: exits.failed,
          reason: 'answer_malformed',
          detail: `${origin} answered ${method} ${url} in a form that this version does not know: ${parsed.detail ?? parsed.reason}. Are both of one version?`,
          ambiguous: true,
        };
      }
      const { status, certificate } = answered;
      const value = call.verbatim === true ? parsed.value : onOneLine(parsed.value);
      return { ok: true, value, status, certificate };
    },
    async getBytes(url, maxBytes) {
      const accept = `${bytesType}, application/problem+json;q=0.5`;
      const answered = await send({ method: 'GET', url, accept, maxBytes, timeoutMs: bytesTimeoutMs });
      return answered.ok ? { ok: true, value: new Uint8Array(answered.body) } : answered;
    },
    async putBytes(url, bytes) {
      const answered = await send({
        method: 'PUT',
        url,
        body: { type: bytesType, bytes },
        accept: jsonType,
        maxBytes: 64 * 1024,
        timeoutMs: bytesTimeoutMs,
      });
      return answered.ok ? { ok: true } : answered;
    },
  };
}

function unreachable(origin: string, failure: HttpFailure): ApiFailure {
  const texts: Record<HttpFailure['reason'], string> = {
    unreachable: `${origin} cannot be reached: ${failure.detail}. Is writ serve running there, and this computer on its network? Does a firewall let its port in?`,
    timeout: `${origin} did not answer: ${failure.detail}.${failure.sent ? '' : ' Does a firewall let its port in?'}`,
    pin_mismatch: `${origin} is not the control plane that was pinned: ${failure.detail}. Nothing was sent. If you did not change its key yourself, somebody stands in between.`,
    too_large: `The answer of ${origin} was too large: ${failure.detail}.`,
    aborted: 'Given up.',
  };
  return {
    ok: false,
    exit: exits.unreachable,
    reason: failure.reason,
    detail: texts[failure.reason],
    ambiguous: failure.sent,
  };
}

/** An error answer as its problem+json tells it: sentence, code, what to do. */
function refused(origin: string, status: number, body: Buffer): ApiFailure {
  const parsed = parsePayload(body, problemSchema, 64 * 1024);
  // What is asked too often, or of a server in trouble, may be asked again.
  const again = status >= 500 || status === 429;
  const exit = again ? exits.failed : exits.refused;
  if (!parsed.ok) {
    return {
      ok: false,
      exit,
      reason: 'answer_malformed',
      detail: `${origin} answered with status ${status} and nothing that explains it.`,
      ambiguous: again,
    };
  }
  return {
    ok: false,
    exit,
    reason: parsed.value.code,
    detail: sentences(onOneLine(parsed.value)),
    problem: onOneLine(parsed.value),
    ambiguous: again,
  };
}

function sentences(problem: Problem): string {
  const lines = [problem.detail === '' ? problem.title : problem.detail];
  if (problem.command_line !== undefined) lines.push(`Run: ${problem.command_line}`);
  if (problem.held_by !== undefined)
    lines.push(`It is held by ${problem.held_by}: writ command ${problem.held_by}`);
  return lines.join('\n');
}

/** For schemas whose answers this program does not look into. */
export const anyAnswer = v.unknown();

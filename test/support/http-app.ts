import { randomBytes } from 'node:crypto';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { digestBytes, toBytes } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import { acceptKey, generateKey, type SigningKey } from '../../schema/jose/keys.ts';
import { ulidOf } from '../../schema/wire/ids.ts';
import { proofScheme } from '../../schema/wire/proof.ts';
import { tokenAudience } from '../../schema/wire/token.ts';
import { type App, createApp } from '../../src/http/app.ts';
import type { HttpLimits } from '../../src/http/deps.ts';
import { documentsOf } from '../../src/http/documents.ts';
import { createLog, type LogEntry } from '../../src/http/log.ts';
import { type FakeControl, fakeControl, makeTokenView } from './fake-control.ts';
import { makeTestHome, type TestHome } from './relay-home.ts';

/** Timers that a test moves on by hand. */
export type ManualTimers = {
  monotonicMs(): number;
  after(ms: number, run: () => void): () => void;
  pass(ms: number): void;
  readonly waiting: number;
};

export function manualTimers(): ManualTimers {
  let now = 0;
  const due = new Set<{ at: number; run: () => void }>();
  return {
    monotonicMs: () => now,
    after: (ms, run) => {
      const entry = { at: now + ms, run };
      due.add(entry);
      return () => void due.delete(entry);
    },
    pass: (ms) => {
      now += ms;
      for (const entry of [...due]) {
        if (entry.at > now || !due.delete(entry)) continue;
        entry.run();
      }
    },
    get waiting() {
      return due.size;
    },
  };
}

export type Call = {
  readonly method?: string;
  readonly body?: unknown;
  /** As it stands, instead of `body` as JSON. */
  readonly rawBody?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly source?: string;
  /** What the tailnet calls the caller. */
  readonly peer?: Promise<string | null>;
  readonly signal?: AbortSignal;
};

export type TestApp = {
  readonly home: TestHome;
  readonly app: App;
  readonly fake: FakeControl;
  readonly logs: LogEntry[];
  readonly timers: ManualTimers;
  readonly closing: AbortController;
  /** Unix ms, moved by tests. */
  now: number;
  readonly pendingKey: SigningKey;
  /** A token that is known to the control plane. */
  token(scope: readonly string[], claims?: Readonly<Record<string, unknown>>): Promise<string>;
  /** An Authorization header with a proof of this very request. */
  proof(
    by: SigningKey,
    call: { method: string; url: string; body?: string },
    change?: object,
  ): Promise<string>;
  request(url: string, call?: Call): Promise<Response>;
  asToken(token: string, url: string, call?: Call): Promise<Response>;
  asKey(key: SigningKey, url: string, call?: Call): Promise<Response>;
};

/** The app over a fake control plane, with a home whose keys are all at hand. */
export async function makeTestApp(
  options: { limits?: Partial<HttpLimits>; claimed?: boolean } = {},
): Promise<TestApp> {
  const home = await makeTestHome({ origins: [{ url: 'https://127.0.0.1:1' }] });
  const fake = fakeControl(options.claimed === false ? null : home);
  const logs: LogEntry[] = [];
  const timers = manualTimers();
  const closing = new AbortController();
  const pending = (await generateKey()).signing;
  const pendingKey = await acceptKey(pending.jwk);
  if (!pendingKey.ok) throw new Error('a new key is accepted');
  fake.override('enrolment', {
    pending: async (kid) => (kid === pending.kid ? { name: 'cloud', key: pendingKey.value } : null),
  });
  let tokens = 0;

  const test: TestApp = {
    home,
    fake,
    logs,
    timers,
    closing,
    now: Date.now(),
    pendingKey: pending,
    app: createApp({
      control: fake.control,
      now: () => test.now,
      timers,
      log: createLog({ now: () => test.now, write: (entry) => logs.push(entry) }),
      limits: options.limits ?? {},
      newFaultId: () => 'fault-1',
      closing: closing.signal,
      documents: documentsOf('0.1.0'),
      relayPackage: async () => new TextEncoder().encode('the package'),
    }),
    token: async (scope, claims = {}) => {
      tokens += 1;
      const id = `tok_${ulidOf(1_760_000_000_000 + tokens, randomBytes(10))}`;
      fake.tokens.set(id, makeTokenView(id, 'phone', scope));
      const seconds = Math.floor(test.now / 1000);
      const payload = {
        iss: home.id,
        aud: tokenAudience(home.id),
        sub: 'phone',
        jti: id,
        iat: seconds,
        exp: seconds + 3600,
        scope,
        ...claims,
      };
      return signJws('token', payload, home.controller);
    },
    proof: async (by, { method, url, body = '' }, change = {}) => {
      const proof = {
        home: home.id,
        method,
        url,
        body: await digestBytes(toBytes(body)),
        time: test.now,
        nonce: encodeBase64url(randomBytes(16)),
        ...change,
      };
      return `${proofScheme} ${await signJws('proof', proof, by)}`;
    },
    request: async (url, call = {}) => {
      const body = call.rawBody ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
      const headers = new Headers(call.headers);
      if (body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json');
      if (headers.get('content-type') === '') headers.delete('content-type');
      if (typeof body === 'string') headers.set('content-length', String(toBytes(body).length));
      const init: RequestInit & { duplex: 'half' } = {
        method: call.method ?? (body === undefined ? 'GET' : 'POST'),
        headers,
        duplex: 'half',
        ...(body !== undefined && { body }),
        ...(call.signal && { signal: call.signal }),
      };
      const surroundings = { target: url, source: call.source ?? '192.0.2.1', peer: call.peer };
      const request = new Request(`https://writ${url.startsWith('/') ? url : '/'}`, init);
      return test.app.fetch(request, surroundings);
    },
    asToken: (token, url, call = {}) =>
      test.request(url, { ...call, headers: { authorization: `Bearer ${token}`, ...call.headers } }),
    asKey: async (key, url, call = {}) => {
      const body = call.rawBody ?? (call.body === undefined ? '' : JSON.stringify(call.body));
      const method = call.method ?? (body === '' ? 'GET' : 'POST');
      const text = typeof body === 'string' ? body : '';
      const authorization = await test.proof(key, { method, url, body: text });
      return test.request(url, { ...call, method, headers: { authorization, ...call.headers } });
    },
  };
  return test;
}

/** The code of a problem document. */
export async function codeOf(response: Response): Promise<string> {
  const body = (await response.json()) as { code?: unknown };
  return String(body.code);
}

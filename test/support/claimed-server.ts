import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { TestContext } from 'node:test';
import { parseSetupCode, type SetupCode } from '../../schema/api/access.ts';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { digestBytes, toBytes } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import type { HouseFile } from '../../schema/manifest/house.ts';
import type { House } from '../../schema/trust/document.ts';
import type { TrustGrant } from '../../schema/trust/grant.ts';
import { enrolmentMac } from '../../schema/wire/enrolment.ts';
import { proofScheme } from '../../schema/wire/proof.ts';
import type { ServeOptions } from '../../src/main.ts';
import { startTestServer, type TestServer } from './control.ts';
import { testHouseFile } from './control-home.ts';
import { makeTestHome, type TestHome } from './relay-home.ts';

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as it came over a connection. */
  readonly bytes?: Uint8Array;
  /** The body as JSON. */
  json(): Record<string, unknown>;
};

export type HttpsCall = {
  readonly method: string;
  readonly url: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
};

const bytesOf = (body: string | Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  typeof body === 'string' ? toBytes(body) : body;

/** One request to an origin on a connection of its own, whatever its certificate. */
export function callOrigin(origin: string, call: HttpsCall): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = origin.startsWith('http:') ? httpRequest : httpsRequest;
    const outgoing = request(
      `${origin}${call.url}`,
      {
        method: call.method,
        agent: false,
        rejectUnauthorized: false,
        ...(call.signal && { signal: call.signal }),
        headers: {
          ...(call.body !== undefined && {
            'content-type': 'application/json',
            'content-length': bytesOf(call.body).length,
          }),
          ...call.headers,
        },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const bytes = Buffer.concat(chunks);
          const text = bytes.toString('utf8');
          resolve({
            bytes,
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text,
            json: () => JSON.parse(text) as Record<string, unknown>,
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(call.body);
  });
}

/** Callers of an API, for a test home whose keys are all at hand. */
export type Callers = {
  readonly home: TestHome;
  readonly setup: SetupCode;
  call(call: HttpsCall): Promise<Answer>;
  /** With a proof of this very request. */
  asKey(key: SigningKey, call: HttpsCall): Promise<Answer>;
  asToken(token: string, call: HttpsCall): Promise<Answer>;
  makeToken(scope: readonly string[]): Promise<{ id: string; token: string }>;
  /** The request that claims it, with the setup code's MAC. */
  claim(change?: { secret?: string; key?: SigningKey; time?: number }): Promise<Answer>;
};

export type ClaimedServer = Callers & { readonly server: TestServer };

/** The `Authorization` of a request, by a key. */
export async function proofOf(
  home: string,
  key: SigningKey,
  { method, url, body = '' }: HttpsCall,
  change: object = {},
): Promise<string> {
  const proof = {
    home,
    method,
    url,
    body: await digestBytes(bytesOf(body)),
    time: Date.now(),
    nonce: encodeBase64url(randomBytes(16)),
    ...change,
  };
  return `${proofScheme} ${await signJws('proof', proof, key)}`;
}

/** Callers of an API that nobody has claimed yet, by its setup code. */
export async function callersOf(
  at: () => string,
  setupCode: string | null,
  options: {
    readonly house?: House;
    readonly houseFile?: HouseFile;
    readonly relays?: readonly string[];
    /** What the controller alone may order. */
    readonly controllerMay?: readonly TrustGrant[];
    /** Asks in place of a connection to the origin. */
    readonly call?: Callers['call'];
  } = {},
): Promise<Callers> {
  const code = parseSetupCode(setupCode ?? '');
  if (!code.ok) throw new Error('a new instance has a setup code');
  const setup = code.value;
  const home = await makeTestHome({
    origins: [{ url: setup.origin, ...(setup.spki !== null && { spki: setup.spki }) }],
    controllerKey: setup.controller,
    ...(options.house && { house: options.house }),
    ...(options.relays && { relays: options.relays }),
    ...(options.controllerMay && { controllerMay: options.controllerMay }),
  });
  const callers: Callers = {
    home,
    setup,
    call: options.call ?? ((call) => callOrigin(at(), call)),
    asKey: async (key, call) => {
      const authorization = await proofOf(home.id, key, call);
      return callers.call({ ...call, headers: { authorization, ...call.headers } });
    },
    asToken: (token, call) =>
      callers.call({ ...call, headers: { authorization: `Bearer ${token}`, ...call.headers } }),
    makeToken: async (scope) => {
      const body = JSON.stringify({ name: 'phone', scope });
      const answer = await callers.asKey(home.operator, { method: 'POST', url: '/v1/tokens', body });
      const { id, token } = answer.json();
      if (answer.status !== 200) throw new Error(`no token was made: ${answer.text}`);
      return { id: String(id), token: String(token) };
    },
    claim: async ({ secret = setup.secret, key = home.operator, time = Date.now() } = {}) => {
      const mac = await enrolmentMac(secret, toBytes(home.trust().digest));
      const house = options.houseFile ?? testHouseFile;
      const body = JSON.stringify({ trust: home.versions[0], house, mac });
      const call = { method: 'POST', url: '/v1/setup', body };
      const authorization = await proofOf(home.id, key, call, { time });
      return callers.call({ ...call, headers: { authorization } });
    },
  };
  return callers;
}

/** A real API on loopback, claimed for a test home. */
export async function startClaimedServer(
  t: TestContext,
  options: Partial<ServeOptions> & { readonly claim?: boolean } = {},
): Promise<ClaimedServer> {
  const { claim = true, ...serving } = options;
  const server = await startTestServer(t, serving);
  const made = { server, ...(await callersOf(() => server.origin, server.setupCode)) };
  if (claim) {
    const answer = await made.claim();
    if (answer.status !== 200) throw new Error(`the instance was not claimed: ${answer.text}`);
  }
  return made;
}

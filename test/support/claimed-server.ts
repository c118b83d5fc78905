import { randomBytes } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import type { TestContext } from 'node:test';
import { parseSetupCode, type SetupCode } from '../../schema/api/access.ts';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { digestBytes, digestOf, toBytes } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import { signTrust } from '../../schema/trust/read.ts';
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
  /** The body as JSON. */
  json(): Record<string, unknown>;
};

export type HttpsCall = {
  readonly method: string;
  readonly url: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
};

/** One request to an origin on a connection of its own, whatever its certificate. */
export function callOrigin(origin: string, call: HttpsCall): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(
      `${origin}${call.url}`,
      {
        method: call.method,
        agent: false,
        rejectUnauthorized: false,
        ...(call.signal && { signal: call.signal }),
        headers: {
          ...(call.body !== undefined && {
            'content-type': 'application/json',
            'content-length': toBytes(call.body).length,
          }),
          ...call.headers,
        },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({
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

export type ClaimedServer = {
  readonly server: TestServer;
  readonly home: TestHome;
  readonly setup: SetupCode;
  call(call: HttpsCall): Promise<Answer>;
  /** With a proof of this very request. */
  asKey(key: SigningKey, call: HttpsCall): Promise<Answer>;
  asToken(token: string, call: HttpsCall): Promise<Answer>;
  makeToken(scope: readonly string[]): Promise<{ id: string; token: string }>;
  /** The request that claims it, with the setup code's MAC. */
  claim(change?: { secret?: string; key?: SigningKey }): Promise<Answer>;
};

/** A real API on loopback, claimed for a test home whose keys are all at hand. */
export async function startClaimedServer(
  t: TestContext,
  options: Partial<ServeOptions> & { readonly claim?: boolean } = {},
): Promise<ClaimedServer> {
  const { claim = true, ...serving } = options;
  const server = await startTestServer(t, serving);
  const code = parseSetupCode(server.setupCode ?? '');
  if (!code.ok) throw new Error('a new instance has a setup code');
  const home = await makeTestHome({
    origins: [{ url: server.origin, ...(server.spki !== null && { spki: server.spki }) }],
  });
  const { document } = home.trust();
  const controller = { ...document.identities.controller!, jwk: code.value.controller };
  const trust = { ...document, identities: { ...document.identities, controller } };
  const jws = await signTrust(trust as typeof document, [home.root]);

  const proofOf = async (key: SigningKey, { method, url, body = '' }: HttpsCall): Promise<string> => {
    const proof = {
      home: home.id,
      method,
      url,
      body: await digestBytes(toBytes(body)),
      time: Date.now(),
      nonce: encodeBase64url(randomBytes(16)),
    };
    return `${proofScheme} ${await signJws('proof', proof, key)}`;
  };
  const made: ClaimedServer = {
    server,
    home,
    setup: code.value,
    call: (call) => callOrigin(server.origin, call),
    asKey: async (key, call) =>
      made.call({ ...call, headers: { authorization: await proofOf(key, call), ...call.headers } }),
    asToken: (token, call) =>
      made.call({ ...call, headers: { authorization: `Bearer ${token}`, ...call.headers } }),
    makeToken: async (scope) => {
      const body = JSON.stringify({ name: 'phone', scope });
      const answer = await made.asKey(home.operator, { method: 'POST', url: '/v1/tokens', body });
      const { id, token } = answer.json();
      if (answer.status !== 200) throw new Error(`no token was made: ${answer.text}`);
      return { id: String(id), token: String(token) };
    },
    claim: async ({ secret = code.value.secret, key = home.operator } = {}) => {
      const digest = await digestOf('trust', toBytes(JSON.stringify(trust)));
      const mac = await enrolmentMac(secret, toBytes(digest));
      const body = JSON.stringify({ trust: jws, house: testHouseFile, mac });
      return made.asKey(key, { method: 'POST', url: '/v1/setup', body });
    },
  };
  if (claim) {
    const answer = await made.claim();
    if (answer.status !== 200) throw new Error(`the instance was not claimed: ${answer.text}`);
  }
  return made;
}

import { releaseAudience } from '../../../schema/github/audience.ts';
import { readJwks } from '../../../schema/github/keys.ts';
import { looksLikeGithub, verifyGithubToken } from '../../../schema/github/token.ts';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { digestBytes, digestOf, toBytes } from '../../../schema/jose/digest.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import { ok } from '../../../schema/result.ts';
import { verifyOrder, verifyWorkflow } from '../../../schema/trust/verify-order.ts';
import { tokenAudience } from '../../../schema/wire/token.ts';
import { memoryNonces } from '../../../src/auth/nonces.ts';
import { verifyProof } from '../../../src/auth/proof.ts';
import { readOwnToken, verifyToken } from '../../../src/auth/token.ts';
import { memoryTokens } from '../../../src/auth/verified-tokens.ts';
import { githubClaims, githubJwk, githubKey } from '../../support/github-issuer.ts';
import { makeTestHome, testNonce } from '../../support/relay-home.ts';
import { issuedWorkflow } from '../../support/workflow-pins.ts';
import { type Target, textOf } from '../target.ts';

const nowMs = Date.UTC(2026, 10, 22);
const issuer = 'https://token.actions.githubusercontent.com';
const header = { typ: 'JWT', alg: 'RS256', x5t: 'abc', kid: 'key-1' };
const textToken = (head: object | Uint8Array, claims: object | Uint8Array): string => {
  const part = (of: object | Uint8Array) =>
    encodeBase64url(of instanceof Uint8Array ? of : JSON.stringify(of));
  return `${part(head)}.${part(claims)}.${encodeBase64url(new Uint8Array(256))}`;
};

const homeOf = () =>
  makeTestHome({ origins: [{ url: 'https://writ.example.net' }] }).then(async (home) => {
    await home.amend((document) => ({
      ...document,
      identities: {
        ...document.identities,
        deploys: issuedWorkflow(),
      },
    }));
    return home;
  });

const githubToken: Target = {
  name: 'github-token',
  covers: [
    'schema/github/token.ts:verifyGithubToken',
    'schema/github/token.ts:looksLikeGithub',
    'schema/trust/verify-order.ts:verifyWorkflow',
    'schema/github/pins.ts:judgePins',
  ],
  words: [
    'RS256',
    'HS256',
    'none',
    '"jwk"',
    'refs/heads/main',
    '/.github/workflows/deploy.yml@refs/heads/main',
  ],
  corpus: () => [
    JSON.stringify(githubClaims(nowMs, { aud: 'writ:x' })),
    JSON.stringify(header),
    textToken(header, githubClaims(nowMs)),
  ],
  async open() {
    const home = await homeOf();
    const audience = releaseAudience(home.id, await digestOf('release', new Uint8Array()));
    // As if every signature were good: what is behind them is to be read.
    const keys = { find: async () => ok(() => true) };
    const given = { keys, audience, now: nowMs };
    return async (input) => {
      const texts = [textOf(input), textToken(header, input), textToken(input, githubClaims(nowMs))];
      for (const text of texts) {
        looksLikeGithub(text);
        for (const aud of [audience, 'writ:x']) {
          const claims = await verifyGithubToken(text, { ...given, audience: aud, issuers: [issuer] });
          const named = await verifyWorkflow(home.trust(), text, { ...given, audience: aud });
          if (named.ok && !claims.ok) throw new Error('a workflow is named by a token that is refused');
          if (!claims.ok && !/^[a-z_]+$/.test(claims.reason)) return claims;
          if (!named.ok && !/^[a-z_]+$/.test(named.reason)) return named;
        }
      }
      return null;
    };
  },
};

const attestation: Target = {
  name: 'attestation',
  covers: ['schema/trust/verify-order.ts:verifyOrder'],
  async corpus() {
    const home = await homeOf();
    const said = {
      home: 'h_01HZZZZZZZZZZZZZZZZZZZZZZZ',
      token: `sha256:${'0'.repeat(64)}`,
      seen: nowMs,
      seq: 1,
    };
    return [JSON.stringify(said), await signJws('time', said, home.relays.pve1!.signing)];
  },
  async open() {
    const home = await homeOf();
    await home.amend((document) => {
      const { pve1 } = document.identities;
      if (pve1?.kind !== 'relay') throw new Error('pve1 is a relay');
      return { ...document, identities: { ...document.identities, pve1: { ...pve1, attests: ['time'] } } };
    });
    const order = await home.release([{ target: 'websvcs' }], { issuedAt: nowMs });
    const aud = releaseAudience(home.id, order.digest);
    // It had ended an hour ago: only a notary's word could make it good.
    const text = textToken(header, githubClaims(nowMs - 3_600_000, { aud }));
    const token = await digestBytes(toBytes(text));
    const keys = { find: async () => ok(() => true) };
    return async (input) => {
      const filled = textOf(input)
        .replace('h_01HZZZZZZZZZZZZZZZZZZZZZZZ', home.id)
        .replace(`sha256:${'0'.repeat(64)}`, token);
      const time = filled.startsWith('{')
        ? await signJws('time', toBytes(filled), home.relays.pve1!.signing)
        : filled;
      const signed = { bytes: order.bytes, authorisation: text, time };
      return verifyOrder(home.trust(), signed, { keys, now: nowMs, seenAt: () => undefined });
    };
  },
};

const jwks: Target = {
  name: 'jwks',
  covers: ['schema/github/keys.ts:readJwks'],
  words: ['RSA', 'RS256', 'sig', 'AQAB', 'AQ', 'Aw'],
  corpus: () => [
    JSON.stringify({ keys: [githubKey(), githubKey()].map(githubJwk) }),
    JSON.stringify({
      keys: [
        { ...githubJwk(githubKey()), x5c: ['MIIC'] },
        { kty: 'EC', crv: 'P-256' },
      ],
    }),
  ],
  open: () => async (input) => {
    const read = await readJwks(input);
    if (read.ok) for (const verify of read.value.values()) await verify(input, new Uint8Array(256));
    return read;
  },
};

const phoneToken: Target = {
  name: 'phone-token',
  covers: ['src/auth/token.ts:verifyToken', 'src/auth/token.ts:readOwnToken'],
  async corpus() {
    const claims = {
      iss: 'h_01HZZZZZZZZZZZZZZZZZZZZZZZ',
      aud: 'writ:h_01HZZZZZZZZZZZZZZZZZZZZZZZ',
      sub: 'phone',
      jti: 't_01HZZZZZZZZZZZZZZZZZZZZZZZ',
      iat: nowMs / 1000,
      exp: nowMs / 1000 + 600,
      scope: ['hosts:read', 'hosts:start:pve2'],
    };
    const home = await makeTestHome({ origins: [{ url: 'https://writ.example.net' }] });
    return [JSON.stringify(claims), await signJws('token', claims, home.controller)];
  },
  async open() {
    const home = await makeTestHome({ origins: [{ url: 'https://writ.example.net' }] });
    const tokens = {
      use: async () => ({ ok: true, value: { name: 'phone', scope: ['hosts:read'] } }) as never,
    };
    return async (input) => {
      const filled = textOf(input)
        .replace('h_01HZZZZZZZZZZZZZZZZZZZZZZZ', home.id)
        .replace('writ:h_01HZZZZZZZZZZZZZZZZZZZZZZZ', tokenAudience(home.id));
      const text = filled.startsWith('{') ? await signJws('token', toBytes(filled), home.controller) : filled;
      const deps = { trust: home.trust(), tokens, verified: memoryTokens(), nowMs };
      const read = await verifyToken(deps, text);
      await readOwnToken(home.trust(), text);
      return read;
    };
  },
};

const proof: Target = {
  name: 'proof',
  covers: ['src/auth/proof.ts:verifyProof'],
  async corpus() {
    const home = await makeTestHome({ origins: [{ url: 'https://writ.example.net' }] });
    const made = {
      home: 'h_01HZZZZZZZZZZZZZZZZZZZZZZZ',
      method: 'POST',
      url: '/v1/house',
      body: `sha256:${'0'.repeat(64)}`,
      time: nowMs,
      nonce: testNonce(),
    };
    return [JSON.stringify(made), await signJws('proof', made, home.operator)];
  },
  async open() {
    const home = await makeTestHome({ origins: [{ url: 'https://writ.example.net' }] });
    const request = { method: 'POST', target: '/v1/house' } as const;
    return async (input) => {
      const filled = textOf(input).replace('h_01HZZZZZZZZZZZZZZZZZZZZZZZ', home.id);
      const text = filled.startsWith('{') ? await signJws('proof', toBytes(filled), home.operator) : filled;
      return verifyProof(
        {
          trust: home.trust(),
          enrolment: { pending: async () => null },
          upkeep: { rememberProofNonce: async () => true },
          nonces: memoryNonces(),
          nowMs,
        },
        text,
        request,
      );
    };
  },
};

export const tokenTargets: readonly Target[] = [githubToken, attestation, jwks, phoneToken, proof];

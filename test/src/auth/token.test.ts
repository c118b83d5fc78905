import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compactVerify, importJWK } from 'jose';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { type AcceptedKey, generateKey, type SigningKey } from '../../../schema/jose/keys.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import { clockSkewMs } from '../../../schema/wire/limits.ts';
import { verifyToken } from '../../../src/auth/token.ts';
import { memoryTokens } from '../../../src/auth/verified-tokens.ts';
import { refused } from '../../../src/domain/errors.ts';
import { codeOf, makeTestApp } from '../../support/http-app.ts';
import { readSharedData } from '../../support/shared-data.ts';

const parts = (token: string): [string, string, string] => token.split('.') as [string, string, string];
const decode = (part: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(part, 'base64url').toString());
const encode = (value: unknown): string => encodeBase64url(JSON.stringify(value));

/** Values that a member may be mutated to: every other type, and neighbours of what it was. */
const mutations = (value: unknown): readonly unknown[] => [
  undefined,
  null,
  true,
  '',
  0,
  -1,
  1.5,
  [],
  {},
  [value],
  { value },
  `${String(value)} `,
  `${String(value)}x`,
  ...(typeof value === 'number' ? [value + 1, value - 1, String(value), 1e300] : []),
  ...(Array.isArray(value)
    ? [[...value, 'guest.stop@gaming'], [...value].reverse().slice(1), [...value, 'x']]
    : []),
];

/** Signs any header and payload, also such as the profile's own signer would not make. */
async function signAnything(
  key: SigningKey,
  header: Record<string, unknown>,
  payload: unknown,
): Promise<string> {
  const protectedPart = encode(header);
  const payloadPart = typeof payload === 'string' ? encodeBase64url(payload) : encode(payload);
  const bytes = new TextEncoder().encode(`${protectedPart}.${payloadPart}`);
  return `${protectedPart}.${payloadPart}.${encodeBase64url(await key.sign(bytes))}`;
}

describe('a phone’s token', () => {
  test('threat 22: changing any member of header or payload without the key is refused', async () => {
    const app = await makeTestApp({ limits: { failureBurst: 100_000, tokenBurst: 100_000 } });
    const token = await app.token(['status', 'guest.start@gaming']);
    assert.equal((await app.asToken(token, '/v1/status')).status, 200);
    const [header, payload, signature] = parts(token);
    let tried = 0;
    for (const [place, part] of [
      ['header', header],
      ['payload', payload],
    ] as const) {
      const members = decode(part);
      for (const [name, value] of Object.entries(members)) {
        for (const mutated of mutations(value)) {
          if (JSON.stringify(mutated) === JSON.stringify(value)) continue;
          const changed = encode({ ...members, [name]: mutated });
          const text =
            place === 'header' ? `${changed}.${payload}.${signature}` : `${header}.${changed}.${signature}`;
          const response = await app.asToken(text, '/v1/status');
          assert.equal(response.status, 401, `${place}.${name} = ${JSON.stringify(mutated)}`);
          tried += 1;
        }
      }
    }
    assert.ok(tried > 120, `${tried} mutations`);
  });

  test('threat 22: each claim is checked even when the controller’s key signed it', async () => {
    const app = await makeTestApp({ limits: { failureBurst: 100_000, tokenBurst: 100_000 } });
    const [, payload] = parts(await app.token(['status']));
    const claims = decode(payload);
    const header = { alg: 'Ed25519', typ: 'writ-token+jws', kid: app.home.controller.kid };
    assert.equal(
      (await app.asToken(await signAnything(app.home.controller, header, claims), '/v1/status')).status,
      200,
    );
    const seconds = Math.floor(app.now / 1000);
    for (const [name, value] of Object.entries(claims)) {
      for (const mutated of mutations(value)) {
        if (JSON.stringify(mutated) === JSON.stringify(value)) continue;
        // A second more or less of life is another good token of the same id.
        if (
          (name === 'exp' || name === 'iat') &&
          typeof mutated === 'number' &&
          Math.abs(mutated - Number(value)) === 1
        )
          continue;
        if (name === 'iat' && mutated === 0) continue;
        const text = await signAnything(app.home.controller, header, { ...claims, [name]: mutated });
        const response = await app.asToken(text, '/v1/status');
        assert.equal(response.status, 401, `${name} = ${JSON.stringify(mutated)}`);
      }
    }
    const signed = (change: object) => signAnything(app.home.controller, header, { ...claims, ...change });
    const expired = await app.asToken(await signed({ iat: seconds - 10, exp: seconds - 1 }), '/v1/status');
    assert.equal(await codeOf(expired), 'token_expired');
    const early = seconds + clockSkewMs / 1000;
    assert.equal((await app.asToken(await signed({ iat: early + 2 }), '/v1/status')).status, 401);
    for (const extra of [{ nbf: seconds }, { admin: true }, { jwk: {} }]) {
      assert.equal((await app.asToken(await signed(extra), '/v1/status')).status, 401, JSON.stringify(extra));
    }
    const twice = JSON.stringify(claims).replace('{', '{"scope":["guest.stop@gaming"],');
    assert.equal(
      (await app.asToken(await signAnything(app.home.controller, header, twice), '/v1/status')).status,
      401,
    );
  });

  test('threat 22: headers that bring a key, or say another algorithm or type, are refused', async () => {
    const app = await makeTestApp({ limits: { failureBurst: 100_000 } });
    const [, payload] = parts(await app.token(['status']));
    const claims = decode(payload);
    const own = app.home.controller;
    const thief = (await generateKey()).signing;
    const header = { alg: 'Ed25519', typ: 'writ-token+jws', kid: own.kid };
    const headers: Record<string, unknown>[] = [
      { ...header, jwk: thief.jwk },
      { ...header, jwk: own.jwk },
      { ...header, jku: 'https://thief.example/keys' },
      { ...header, x5u: 'https://thief.example/cert' },
      { ...header, x5c: ['AAAA'] },
      { ...header, crit: ['exp'] },
      { ...header, b64: false },
      { ...header, cty: 'JWT' },
      { ...header, alg: 'EdDSA' },
      { ...header, alg: 'none' },
      { ...header, alg: 'HS256' },
      ...['job', 'intent', 'proof', 'receipt', 'report', 'heartbeat', 'trust'].map((kind) => ({
        ...header,
        typ: `writ-${kind}+jws`,
      })),
      { ...header, typ: 'JWT' },
      { ...header, kid: thief.kid },
      { ...header, kid: app.home.operator.kid },
    ];
    for (const mutated of headers) {
      for (const key of [own, thief]) {
        const text = await signAnything(key, mutated, claims);
        assert.equal((await app.asToken(text, '/v1/status')).status, 401, JSON.stringify(mutated));
      }
    }
    for (const key of [thief, app.home.operator, app.home.relays.pve1!.signing, app.home.root]) {
      const text = await signAnything(key, { ...header, kid: key.kid }, claims);
      assert.equal((await app.asToken(text, '/v1/status')).status, 401, 'another key of the home');
    }
  });

  test('threat 22: other spellings of a valid token are not that token', async () => {
    const app = await makeTestApp({ limits: { failureBurst: 100_000 } });
    const token = await app.token(['status']);
    const [header, payload, signature] = parts(token);
    const spare = signature.slice(0, -1) + String.fromCharCode(signature.charCodeAt(85) + 1);
    const spellings = [
      `${token}=`,
      `${token}.`,
      `${header}.${payload}.${signature}==`,
      `${header}=.${payload}.${signature}`,
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `.${payload}.${signature}`,
      `${header}.${payload}.${spare}`,
      `${token} `,
      ` ${token}`,
      `${header}. ${payload}.${signature}`,
      JSON.stringify({ payload, signatures: [{ protected: header, signature }] }),
    ];
    for (const text of spellings) {
      // fetch trims spaces around a header's value, so the one with a trailing space arrives as it should be.
      const expected = text.trimEnd() === token ? 200 : 401;
      const response = await app.request('/v1/status', { headers: { authorization: `Bearer ${text}` } });
      assert.equal(response.status, expected, text.slice(0, 20));
    }
    for (const scheme of ['Basic', 'Token', 'Writ-Proof', 'Bearer,', '']) {
      const response = await app.request('/v1/status', { headers: { authorization: `${scheme} ${token}` } });
      assert.equal(response.status, 401, scheme);
    }
    for (const [name, value] of [
      ['x-authorization', `Bearer ${token}`],
      ['cookie', `token=${token}`],
      ['proxy-authorization', `Bearer ${token}`],
    ] as const) {
      assert.equal((await app.request('/v1/status', { headers: { [name]: value } })).status, 401, name);
    }
    assert.equal(
      (await app.asToken(`${token}, Bearer ${token}`, '/v1/status')).status,
      401,
      'twice in one header',
    );
  });

  test('threat 22: a token that is unknown, revoked or not as it was stored is refused', async () => {
    const app = await makeTestApp();
    const token = await app.token(['status']);
    const id = String(decode(parts(token)[1]).jti);
    const view = app.fake.tokens.get(id)!;
    for (const [stored, code] of [
      [{ ...view, revoked_at: 1 }, 'token_revoked'],
      [{ ...view, name: 'other' }, 'credentials_invalid'],
      [{ ...view, scope: ['guest.start@gaming'] }, 'credentials_invalid'],
    ] as const) {
      app.fake.tokens.set(id, { ...stored, scope: [...stored.scope] });
      const response = await app.asToken(token, '/v1/status');
      assert.equal(response.status, 401);
      assert.equal(await codeOf(response), code);
    }
    app.fake.tokens.delete(id);
    assert.equal(await codeOf(await app.asToken(token, '/v1/status')), 'credentials_invalid');
    app.fake.tokens.set(id, view);
    assert.equal((await app.asToken(token, '/v1/status')).status, 200);
  });

  test('threat 22: a token whose signature is remembered is judged anew in all else', async () => {
    const app = await makeTestApp();
    const token = await app.token(['status']);
    const other = await app.token(['status']);
    const ask = (text: string): Promise<string> => app.asToken(text, '/v1/status').then(codeOf);
    for (const text of [token, other, token])
      assert.equal((await app.asToken(text, '/v1/status')).status, 200);
    const id = String(decode(parts(token)[1]).jti);
    const view = app.fake.tokens.get(id)!;
    app.fake.tokens.set(id, { ...view, revoked_at: app.now });
    assert.equal(await ask(token), 'token_revoked');
    app.fake.tokens.set(id, { ...view, scope: ['status', 'guest.start@gaming'] });
    assert.equal(await ask(token), 'credentials_invalid');
    app.now += 3_600_000;
    assert.equal(await ask(other), 'token_expired');
  });

  test('a signature is verified once under one document, and anew under the next', async () => {
    const { home, token } = await makeTestApp();
    const text = await token(['status']);
    const tokens = { use: async () => refused('token_unknown', 'It is in no store.') };
    const verified = memoryTokens();
    let verifications = 0;
    const trust = (signs: boolean): Trust => {
      const { kid } = home.controller;
      const key: AcceptedKey = {
        kid,
        jwk: home.controller.jwk,
        verify: () => {
          verifications += 1;
          return signs;
        },
      };
      return { ...home.trust(), identities: new Map([[kid, { name: 'controller', key }]]) };
    };
    const causeOf = async (under: Trust): Promise<string> => {
      const judged = await verifyToken({ trust: under, tokens, verified, nowMs: Date.now() }, text);
      return judged.ok ? '' : judged.cause;
    };
    const first = trust(true);
    assert.deepEqual([await causeOf(first), await causeOf(first), verifications], ['jti', 'jti', 1]);
    const second = trust(false);
    assert.deepEqual(
      [await causeOf(second), await causeOf(second), verifications],
      ['jws_signature', 'jws_signature', 3],
    );
    assert.equal(await causeOf(trust(true)), 'jti');
  });

  test('threat 22: no signature of Wycheproof’s JWS file is taken for a token', async () => {
    const text = readSharedData('wycheproof/json_web_signature_test.json');
    if (text === null) return;
    const app = await makeTestApp({ limits: { failureBurst: 100_000 } });
    const file = JSON.parse(text) as { testGroups: { tests: { tcId: number; jws?: unknown }[] }[] };
    let tried = 0;
    for (const { tcId, jws } of file.testGroups.flatMap(({ tests }) => tests)) {
      const token = typeof jws === 'string' ? jws : JSON.stringify(jws);
      let headers: Headers;
      try {
        headers = new Headers({ authorization: `Bearer ${token}` });
      } catch {
        continue; // no header can carry it
      }
      const response = await app.request('/v1/status', { headers: Object.fromEntries(headers) });
      assert.equal(response.status, 401, `test ${tcId}`);
      tried += 1;
    }
    assert.ok(tried > 100, `${tried} signatures`);
  });

  test('jose verifies a token as well', async () => {
    const app = await makeTestApp();
    const token = await app.token(['status']);
    const key = await importJWK(app.home.controller.jwk, 'Ed25519');
    const { payload, protectedHeader } = await compactVerify(token, key, { algorithms: ['Ed25519'] });
    assert.deepEqual(protectedHeader, {
      alg: 'Ed25519',
      typ: 'writ-token+jws',
      kid: app.home.controller.kid,
    });
    assert.equal(encodeBase64url(payload), parts(token)[1]);
  });
});

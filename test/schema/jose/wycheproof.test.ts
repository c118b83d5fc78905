import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type JwsKind, verifyJwsBytes } from '../../../schema/jose/jws.ts';
import { type AcceptedKey, acceptKey, generateKey } from '../../../schema/jose/keys.ts';
import { readSharedData } from '../../support/shared-data.ts';

const kinds: readonly JwsKind[] = [
  'intent',
  'job',
  'receipt',
  'report',
  'proof',
  'heartbeat',
  'trust',
  'token',
];
let key: AcceptedKey;

before(async () => {
  const accepted = await acceptKey((await generateKey()).signing.jwk);
  assert.ok(accepted.ok);
  key = accepted.value;
});

const jwsVectors = readSharedData('wycheproof/json_web_signature_test.json');
const keyVectors = readSharedData('wycheproof/json_web_key_test.json');
const signatureVectors = readSharedData('wycheproof/ed25519_test.json');
type Vector = { tcId: number; comment: string; result: 'valid' | 'invalid' | 'acceptable' };

for (const [name, text] of [
  ['signatures', jwsVectors],
  ['key sets', keyVectors],
] as const) {
  if (text === null) continue;
  test(`threat 22: no JWS of Wycheproof's ${name} is of our profile, so none is accepted as any kind`, async () => {
    type Group = { public?: unknown; private?: unknown; tests: (Vector & { jws: unknown })[] };
    let count = 0;
    for (const group of (JSON.parse(text) as { testGroups: Group[] }).testGroups) {
      for (const jwk of [group.public, group.private]) {
        assert.equal((await acceptKey(jwk)).ok, false, 'no key of another kind is accepted');
      }
      for (const { jws, tcId, comment } of group.tests) {
        const forms = typeof jws === 'string' ? [jws, jws.trim()] : [JSON.stringify(jws)];
        for (const form of forms) {
          for (const kind of kinds) {
            const result = await verifyJwsBytes(kind, form, 65_536, () => key);
            assert.equal(result.ok, false, `${tcId}: ${comment}`);
          }
        }
        count += 1;
      }
    }
    assert.ok(count >= 20, String(count));
  });
}

if (signatureVectors !== null) {
  test("threat 24: the verifier agrees with every one of Wycheproof's Ed25519 signatures", async () => {
    type Group = { publicKeyJwk: { x: string }; tests: (Vector & { msg: string; sig: string })[] };
    const seen = { valid: 0, invalid: 0, acceptable: 0 };
    for (const { publicKeyJwk, tests } of (JSON.parse(signatureVectors) as { testGroups: Group[] })
      .testGroups) {
      const accepted = await acceptKey({ kty: 'OKP', crv: 'Ed25519', x: publicKeyJwk.x });
      for (const { msg, sig, result, tcId, comment } of tests) {
        const verifies =
          accepted.ok && (await accepted.value.verify(Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex')));
        if (result === 'invalid') assert.equal(verifies, false, `${tcId}: ${comment}`);
        if (result === 'valid') assert.equal(verifies, true, `${tcId}: ${comment}`);
        seen[result] += 1;
      }
    }
    assert.ok(seen.valid > 50 && seen.invalid > 30, JSON.stringify(seen));
  });
}

import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { acceptKey, fingerprint, generateKey, importSigningKey } from '../../../schema/jose/keys.ts';
import { readSharedData } from '../../support/shared-data.ts';

const jwkOf = (x: string) => ({ kty: 'OKP', crv: 'Ed25519', x });
const jwkOfHex = (hex: string) => jwkOf(encodeBase64url(Buffer.from(hex, 'hex')));
const reasonOf = async (jwk: unknown): Promise<string> => {
  const key = await acceptKey(jwk);
  return key.ok ? 'accepted' : key.reason;
};

/** RFC 8032 section 7.1, TEST 1. */
const rfcPublic = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
const rfcSecret = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';

/** The eight points of small order, as they are encoded canonically. */
const smallOrder = {
  'order 1': '0100000000000000000000000000000000000000000000000000000000000000',
  'order 2': 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'order 4, x even': '0000000000000000000000000000000000000000000000000000000000000000',
  'order 4, x odd': '0000000000000000000000000000000000000000000000000000000000000080',
  'order 8, first': '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'order 8, second': '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'order 8, third': 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'order 8, fourth': 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
};

/** Other encodings of points of small order: y of p or above, or a sign where x is 0. */
const notCanonical = {
  'order 1 with a sign': '0100000000000000000000000000000000000000000000000000000000000080',
  'order 2 with a sign': 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'order 4 as p': 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'order 4 as p, with a sign': 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'order 1 as p + 1': 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'order 1 as p + 1, with a sign': 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
};

describe('keys', () => {
  for (const [name, hex] of Object.entries({ ...smallOrder, ...notCanonical })) {
    test(`threat 24: the point of ${name} is refused`, async () => {
      assert.equal(await reasonOf(jwkOfHex(hex)), 'key_weak');
    });
  }

  test('threat 24: every y from p to 2^255 - 1 is refused, with either sign', async () => {
    for (let low = 0xed; low <= 0xff; low += 1) {
      for (const high of ['7f', 'ff']) {
        assert.equal(await reasonOf(jwkOfHex(`${low.toString(16)}${'ff'.repeat(30)}${high}`)), 'key_weak');
      }
    }
  });

  test('threat 24: of random bytes, those are accepted that are points, and no other', async () => {
    const p = 2n ** 255n - 19n;
    const power = (base: bigint, exponent: bigint): bigint => {
      let result = 1n;
      for (const bit of exponent.toString(2)) {
        result = (result * result) % p;
        if (bit === '1') result = (result * base) % p;
      }
      return result;
    };
    const d = (p - ((121665n * power(121666n, p - 2n)) % p)) % p;
    /** RFC 8032 section 5.1.3, by Euler's criterion and not by a root. */
    const isPoint = (bytes: Uint8Array): boolean => {
      const y = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`) & (2n ** 255n - 1n);
      if (y >= p) return false;
      const u = (y * y - 1n + p) % p;
      const v = (d * y * y + 1n) % p;
      const square = (u * power(v, p - 2n)) % p;
      return square === 0n ? bytes[31]! < 0x80 : power(square, (p - 1n) / 2n) === 1n;
    };
    const seen = { accepted: 0, key_weak: 0 };
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), async (bytes) => {
        const reason = await reasonOf(jwkOf(encodeBase64url(bytes)));
        // fast-check likes small numbers: the points of small order are tested above
        if (Object.values(smallOrder).includes(Buffer.from(bytes).toString('hex'))) return;
        assert.equal(reason, isPoint(bytes) ? 'accepted' : 'key_weak');
        seen[reason as keyof typeof seen] += 1;
      }),
      { numRuns: 300 },
    );
    assert.ok(seen.accepted > 50 && seen.key_weak > 50, JSON.stringify(seen));
  });

  const wycheproof = readSharedData('wycheproof/ed25519_test.json');
  if (wycheproof !== null) {
    test('threat 24: the keys of Wycheproof that have valid signatures are accepted', async () => {
      type Group = { publicKey: { pk: string }; publicKeyJwk: { x: string }; tests: { result: string }[] };
      const groups = (JSON.parse(wycheproof) as { testGroups: Group[] }).testGroups;
      let accepted = 0;
      for (const { publicKey, publicKeyJwk, tests } of groups) {
        if (!tests.some(({ result }) => result === 'valid')) continue;
        assert.equal(await reasonOf(jwkOfHex(publicKey.pk)), 'accepted', publicKey.pk);
        assert.equal(await reasonOf(jwkOf(publicKeyJwk.x)), 'accepted', publicKey.pk);
        accepted += 1;
      }
      assert.ok(accepted > 5, String(accepted));
    });
  }

  test('a JWK has exactly kty, crv and x', async () => {
    const x = encodeBase64url(Buffer.from(rfcPublic, 'hex'));
    assert.equal(await reasonOf(jwkOf(x)), 'accepted');
    for (const jwk of [
      null,
      'text',
      [],
      {},
      { ...jwkOf(x), d: x },
      { ...jwkOf(x), kid: 'a' },
      { ...jwkOf(x), alg: 'Ed25519' },
      { ...jwkOf(x), toString: 'a' },
      { ...jwkOf(x), kty: 'EC' },
      { ...jwkOf(x), crv: 'X25519' },
      { ...jwkOf(x), crv: 'ed25519' },
      { kty: 'OKP', crv: 'Ed25519' },
      jwkOf(`${x}=`),
      jwkOf(` ${x}`),
      jwkOf(`${x}\n`),
      jwkOf(x.slice(1)),
      jwkOf(''),
      // spare bits: another text of the same 32 bytes
      jwkOf(`${x.slice(0, -1)}${String.fromCharCode(x.charCodeAt(42) + 1)}`),
    ]) {
      assert.equal(await reasonOf(jwk), 'key_malformed', JSON.stringify(jwk));
    }
  });

  test("a key's name is the thumbprint of RFC 7638", async () => {
    const key = await acceptKey(jwkOfHex(rfcPublic));
    // RFC 8037 appendix A.3
    assert.equal(key.ok && key.value.kid, 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  });

  test('a fingerprint is the first 80 bits, as people read them', async () => {
    const kid = encodeBase64url(Uint8Array.from({ length: 32 }, (_, i) => i));
    // 00 01 02 03 04 05 06 07 08 09 in groups of five bits: 0 0 0 G 4 0 R 4 0 M 3 0 E 2 0 9
    assert.equal(fingerprint(kid), '000G-40R4-0M30-E209');
    assert.equal(fingerprint('short'), 'invalid');
    assert.equal(fingerprint(`${kid}=`), 'invalid');
    const { signing } = await generateKey();
    assert.match(fingerprint(signing.kid), /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/);
  });

  test('a new key signs what its public half verifies, also to another program', async () => {
    const { signing, secret } = await generateKey();
    const bytes = new TextEncoder().encode('a writ');
    const ours = await signing.sign(bytes);
    const theirs = sign(null, bytes, createPrivateKey({ key: secret, format: 'jwk' }));
    assert.deepEqual(Buffer.from(ours), theirs);
    const { x } = createPublicKey({ key: signing.jwk, format: 'jwk' }).export({ format: 'jwk' });
    assert.equal(x, secret.x);
    const canonical = JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x });
    assert.equal(signing.kid, createHash('sha256').update(canonical).digest('base64url'));
    assert.notEqual((await generateKey()).signing.kid, signing.kid);
  });

  test('a stored key is read only if its halves belong together', async () => {
    const x = encodeBase64url(Buffer.from(rfcPublic, 'hex'));
    const d = encodeBase64url(Buffer.from(rfcSecret, 'hex'));
    const read = await importSigningKey({ ...jwkOf(x), d });
    assert.equal(read.ok && read.value.kid, 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
    const other = (await generateKey()).secret;
    for (const secret of [
      { ...jwkOf(other.x), d },
      { ...jwkOf(x), d: other.d },
      { ...jwkOf(x), d: d.slice(1) },
      { ...jwkOf(x), d: `${d}=` },
      jwkOf(x),
      { ...jwkOf(x), d, key_ops: ['sign'] },
      null,
    ]) {
      const refused = await importSigningKey(secret);
      assert.equal(refused.ok ? 'accepted' : refused.reason, 'key_malformed');
    }
    const weak = await importSigningKey({ ...jwkOfHex(smallOrder['order 1']), d });
    assert.equal(weak.ok ? 'accepted' : weak.reason, 'key_weak');
  });
});

import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CompactSign, compactVerify, importJWK } from 'jose';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import type { Crypto } from '../../../schema/jose/crypto.ts';
import { runtime as ofNode } from '../../../schema/jose/crypto-node.ts';
import { runtime as ofWeb } from '../../../schema/jose/crypto-web.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import { generateKey } from '../../../schema/jose/keys.ts';

const runtimes: readonly Crypto[] = [ofNode, ofWeb];
const bytesOf = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

describe('the cryptography of each runtime', () => {
  test('threat 18: both sign alike, and take and refuse the same', async () => {
    const keys = await Promise.all(runtimes.map((one) => one.generate()));
    const anyBytes = fc.uint8Array({ maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(anyBytes, fc.nat(), fc.constantFrom(...keys), async (bytes, at, halves) => {
        const x = ofNode.fromBase64url(halves.x);
        const verifiers = await Promise.all(runtimes.map((one) => one.verifierOf(x)));
        const signers = await Promise.all(runtimes.map((one) => one.signerOf(halves)));
        const [first, second] = await Promise.all(signers.map((signBytes) => signBytes(bytes)));
        assert.deepEqual(bytesOf(first!), bytesOf(second!));
        assert.equal(first!.length, 64);

        const changed = bytesOf(first!);
        changed[at % 64]! ^= 1 << (at % 8);
        const cases: readonly [Uint8Array, Uint8Array, boolean][] = [
          [bytes, first!, true],
          [bytes, changed, false],
          [Uint8Array.of(...bytes, 0), first!, false],
          [bytes, first!.slice(0, 63), false],
          [bytes, Uint8Array.of(...first!, 0), false],
          [bytes, new Uint8Array(0), false],
        ];
        for (const [text, signature, wanted] of cases) {
          for (const verify of verifiers) assert.equal(await verify(text, signature), wanted);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('both know no key by halves that are none', async () => {
    const { x } = await ofNode.generate();
    for (const d of ['', 'AAAA', `${x}AAAA`]) {
      for (const one of runtimes) await assert.rejects(async () => one.signerOf({ x, d }), d);
    }
  });

  test('threat 18: both take and refuse alike what an RSA key signed', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { n, e } = publicKey.export({ format: 'jwk' }) as { n: string; e: string };
    const bytes = new TextEncoder().encode('header.payload');
    const good = new Uint8Array(sign('sha256', bytes, privateKey));
    const pss = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    const changed = bytesOf(good);
    changed[7]! ^= 1;
    for (const one of runtimes) {
      const verify = await one.rsaVerifierOf({ n, e });
      assert.ok(verify !== null);
      for (const [text, signature, wanted] of [
        [bytes, good, true],
        [bytes, changed, false],
        [Uint8Array.of(...bytes, 0), good, false],
        [bytes, new Uint8Array(sign('sha512', bytes, privateKey)), false],
        [bytes, new Uint8Array(sign('sha256', bytes, pss)), false],
        [bytes, good.slice(0, 255), false],
        [bytes, Uint8Array.of(...good, 0), false],
        [bytes, Uint8Array.of(0, ...good), false],
        [bytes, new Uint8Array(0), false],
        [bytes, new Uint8Array(256), false],
        [bytes, new Uint8Array(256).fill(0xff), false],
      ] as const) {
        assert.equal(await verify(text, signature), wanted);
      }
      // What is no key is none, and throws nothing.
      for (const halves of [
        { n: '', e },
        { n, e: '' },
        { n: '!', e },
      ]) {
        const none = await one.rsaVerifierOf(halves);
        assert.ok(none === null || (await none(bytes, good)) === false, JSON.stringify(halves).slice(0, 40));
      }
    }
  });

  test('both digest alike, and write bytes alike', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(8), async (all, from) => {
        // A part of a larger memory is read as that part.
        const bytes = bytesOf(all).subarray(from);
        const [one, other] = await Promise.all(runtimes.map(({ sha256 }) => sha256(bytes)));
        assert.deepEqual(bytesOf(one!), bytesOf(other!));
        const [text, same] = runtimes.map(({ toBase64url }) => toBase64url(bytes));
        assert.equal(text, same);
        for (const { fromBase64url } of runtimes) assert.deepEqual(fromBase64url(text!), bytesOf(bytes));
      }),
    );
    for (const { toBase64url } of runtimes) assert.equal(toBase64url('grün'), 'Z3LDvG4');
  });

  test('threat 22: both give back a text by its bytes only where it is the one of them, and throw at none', () => {
    const char = fc.constantFrom(...'AQgwZm9v_-', '=', '+', '/', ' ', '\n', '.', '\u0000', 'é');
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: char, maxLength: 9 }), fc.string()), (text) => {
        const [one, other] = runtimes.map(
          ({ fromBase64url, toBase64url }) => toBase64url(fromBase64url(text)) === text,
        );
        assert.equal(one, other, JSON.stringify(text));
        if (one) assert.match(text, /^[A-Za-z0-9_-]*$/);
      }),
      { numRuns: 5_000 },
    );
  });

  test('threat 18: both verify RS256, and know no key by halves that are none', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { n, e } = publicKey.export({ format: 'jwk' }) as { n: string; e: string };
    const bytes = new TextEncoder().encode('header.payload');
    const signature = sign('sha256', bytes, privateKey);
    for (const one of runtimes) {
      const verify = await one.rsaVerifierOf({ n, e });
      assert.equal(await verify?.(bytes, signature), true);
      for (const [text, other] of [
        [Uint8Array.of(...bytes, 0), signature],
        [bytes, signature.subarray(1)],
        [bytes, sign('sha512', bytes, privateKey)],
        [bytes, new Uint8Array(0)],
      ] as const) {
        assert.equal(await verify?.(text, other), false);
      }
      assert.equal(await one.rsaVerifierOf({ n: undefined as never, e }), null);
    }
  });

  test('what is decoded has a memory of its own', () => {
    for (const { fromBase64url } of runtimes) assert.equal(fromBase64url('Zm9v').buffer.byteLength, 3);
  });
});

test('jose makes the same text of a payload, and takes ours', async () => {
  const { signing, secret } = await generateKey();
  const payload = { home: 'h_00000000000000000000000000', count: 7 };
  const ours = await signJws('job', payload, signing);
  const theirs = await new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
    .setProtectedHeader({ alg: 'Ed25519', typ: 'writ-job+jws', kid: signing.kid })
    .sign(await importJWK(secret, 'Ed25519'));
  assert.equal(ours, theirs);
  const read = await compactVerify(ours, await importJWK(signing.jwk, 'Ed25519'), {
    algorithms: ['Ed25519'],
  });
  assert.equal(encodeBase64url(read.payload), ours.split('.')[1]);
});

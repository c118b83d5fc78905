import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import {
  type DigestKind,
  digestBytes,
  digestOf,
  digestSchema,
  sha256Hex,
  toBytes,
} from '../../../schema/jose/digest.ts';

const file = join(import.meta.dirname, '..', '..', 'vectors', 'digests.json');
const { digests } = JSON.parse(readFileSync(file, 'utf8')) as {
  digests: readonly { kind: DigestKind; hex: string; sha256: string }[];
};
const kinds: readonly DigestKind[] = ['intent', 'release', 'trust', 'receipt', 'audit', 'facts'];

describe('digests', () => {
  test('equal what another program computes', async () => {
    assert.deepEqual(new Set(digests.map(({ kind }) => kind)), new Set(kinds));
    for (const { kind, hex, sha256 } of digests) {
      assert.equal(await digestOf(kind, new Uint8Array(Buffer.from(hex, 'hex'))), `sha256:${sha256}`);
    }
  });

  test('a text is digested as its UTF-8', async () => {
    assert.equal(await digestOf('audit', 'grün'), await digestOf('audit', toBytes('grün')));
  });

  test('plain bytes have the well-known SHA-256', async () => {
    // FIPS 180-4, and the empty message
    assert.equal(
      await sha256Hex(toBytes('abc')),
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    assert.equal(
      await digestBytes(new Uint8Array(0)),
      'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });

  test('threat 6: bytes of one kind never have the digest of another kind, or of plain bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
        const all = await Promise.all(kinds.map((kind) => digestOf(kind, bytes)));
        all.push(await digestBytes(new Uint8Array(bytes)));
        assert.equal(new Set(all).size, kinds.length + 1);
      }),
      { numRuns: 50 },
    );
  });

  test('have one form', () => {
    const hex = '0123456789abcdef'.repeat(4);
    assert.ok(v.is(digestSchema, `sha256:${hex}`));
    for (const text of [
      hex,
      `sha256:${hex.toUpperCase()}`,
      `sha256:${hex.slice(1)}`,
      `sha256:${hex}0`,
      `sha512:${hex}`,
      ` sha256:${hex}`,
      `sha256:${hex}\n`,
    ]) {
      assert.equal(v.is(digestSchema, text), false, text);
    }
  });
});

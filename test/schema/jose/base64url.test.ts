import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeBase64url, encodeBase64url } from '../../../schema/jose/base64url.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

describe('base64url', () => {
  test('gives the texts of RFC 4648 section 10, without padding', () => {
    for (const [plain, text] of [
      ['', ''],
      ['f', 'Zg'],
      ['fo', 'Zm8'],
      ['foo', 'Zm9v'],
      ['foob', 'Zm9vYg'],
      ['fooba', 'Zm9vYmE'],
      ['foobar', 'Zm9vYmFy'],
    ] as const) {
      assert.equal(encodeBase64url(plain), text);
      const decoded = decodeBase64url(text);
      assert.equal(decoded.ok && new TextDecoder().decode(decoded.value), plain);
    }
    assert.equal(encodeBase64url(Uint8Array.of(0xfb, 0xff, 0xbf)), '-_-_');
  });

  test('bytes come back as they were', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const decoded = decodeBase64url(encodeBase64url(bytes));
        assert.ok(decoded.ok);
        assert.deepEqual(decoded.value, bytes);
      }),
    );
  });

  test('threat 22: of all texts, only the one that encoding gives is taken', () => {
    const char = fc.constantFrom(...alphabet, '=', '+', '/', ' ', '\n', '\t', '.', '\u0000', 'é');
    const near = fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 12 });
    const text = fc.oneof(near, fc.string({ unit: char, maxLength: 12 }), fc.string());
    fc.assert(
      fc.property(text, (candidate) => {
        const decoded = decodeBase64url(candidate);
        if (decoded.ok) assert.equal(encodeBase64url(decoded.value), candidate);
      }),
      { numRuns: 20_000 },
    );
  });

  test('threat 22: each of the texts that other decoders read as one value is refused but one', () => {
    for (const text of [
      ...['Zg==', 'Zg=', 'Zm8=', 'Zm9v=', 'Zm9v====', '='],
      ...[' Zm9v', 'Zm9v ', 'Zm9v\n', 'Zm\n9v', 'Zm 9v', '\tZm9v', 'Zm9v\r\n', 'Zm9v\u0000'],
      ...['+_-_', '-/-_', '+/+/'],
      ...['Zh', 'Zn', 'Zv', 'Zm9', 'Zm-', 'Zm_'],
      ...['Z', 'Zm9vZ', 'Zm9v.', 'Zm9vé', 'Ｚｍ９ｖ'],
    ]) {
      const decoded = decodeBase64url(text);
      assert.equal(decoded.ok, false, JSON.stringify(text));
    }
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { digestBytes } from '../../../schema/jose/digest.ts';
import { digestHere } from '../../../src/cli/digest.ts';

test('a digest made here is the one that WebCrypto makes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (given) => {
      const bytes = new Uint8Array(given);
      assert.equal(digestHere(bytes), await digestBytes(bytes));
    }),
  );
});

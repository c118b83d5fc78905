import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateHybridIdentity, generateX25519Identity, identityToRecipient } from 'age-encryption';
import * as v from 'valibot';
import { ageKindOf, ageRecipientSchema } from '../../../schema/wire/age-recipient.ts';

test('recipients of both kinds are known by their form', async () => {
  for (let i = 0; i < 50; i += 1) {
    assert.equal(ageKindOf(await identityToRecipient(await generateX25519Identity())), 'classic');
  }
  assert.equal(ageKindOf(await identityToRecipient(await generateHybridIdentity())), 'post_quantum');
});

test('any one wrong character, and every other text, is no recipient', async () => {
  const good = await identityToRecipient(await generateX25519Identity());
  for (let at = 0; at < good.length; at += 1) {
    for (const char of 'qpzry9x8gf2tvdw0s3jn54khce6mua7l1b') {
      if (char === good[at]) continue;
      const slip = good.slice(0, at) + char + good.slice(at + 1);
      assert.equal(ageKindOf(slip), null, slip);
    }
  }
  const identity = await generateX25519Identity();
  const odd = [
    '',
    'age1',
    good.toUpperCase(),
    `${good}q`,
    good.slice(0, -1),
    ` ${good}`,
    `${good}\n`,
    identity,
  ];
  for (const text of [...odd, 'constructor1qqqqqqq', '__proto__1qqqqqq'])
    assert.equal(ageKindOf(text), null, text);
  assert.equal(v.is(ageRecipientSchema, good), true);
  assert.equal(v.is(ageRecipientSchema, `${good}${'q'.repeat(3000)}`), false);
});

const letters = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

/** Bech32 as BIP 173 writes it down, of 5-bit values. */
function bech32(prefix: string, values: readonly number[]): string {
  const generators = [0x3b6a57b2n, 0x26508e6dn, 0x1ea119fan, 0x3d4233ddn, 0x2a1462b3n];
  let sum = 1n;
  const codes = [...prefix].map((char) => char.charCodeAt(0));
  const all = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31), ...values];
  for (const value of [...all, 0, 0, 0, 0, 0, 0]) {
    const top = sum >> 25n;
    sum = ((sum & 0x1ffffffn) << 5n) ^ BigInt(value);
    for (const [bit, one] of generators.entries()) if ((top >> BigInt(bit)) & 1n) sum ^= one;
  }
  sum ^= 1n;
  const checksum = [25n, 20n, 15n, 10n, 5n, 0n].map((shift) => Number((sum >> shift) & 31n));
  return `${prefix}1${[...values, ...checksum].map((value) => letters[value]).join('')}`;
}

test('a checksum that is right makes no recipient of another length, with spare bits, or of another prefix', () => {
  // 32 bytes are 51 values and one bit; 1216 bytes are 1945 values and three.
  const zeros = (count: number, last: number): number[] => [...Array(count - 1).fill(0), last];
  assert.equal(ageKindOf(bech32('age', zeros(52, 16))), 'classic');
  assert.equal(ageKindOf(bech32('age1pq', zeros(1946, 16))), 'post_quantum');
  for (const spare of [1, 2, 4, 8])
    assert.equal(ageKindOf(bech32('age', zeros(52, spare))), null, `${spare}`);
  for (const spare of [1, 2]) assert.equal(ageKindOf(bech32('age1pq', zeros(1946, spare))), null, `${spare}`);
  assert.equal(ageKindOf(bech32('age1pq', zeros(1946, 4))), 'post_quantum');
  for (const count of [51, 53, 1946])
    assert.equal(ageKindOf(bech32('age', zeros(count, 0))), null, `${count}`);
  assert.equal(ageKindOf(bech32('age1pq', zeros(52, 0))), null);
  for (const prefix of ['constructor', 'toString', 'agf'])
    assert.equal(ageKindOf(bech32(prefix, zeros(52, 0))), null);
});

test('what is no recipient is told as such', () => {
  const told = v.safeParse(ageRecipientSchema, 'age1x');
  assert.match(told.issues?.[0].message ?? '', /must be a recipient of age: age1… or age1pq1…/);
  const long = v.safeParse(ageRecipientSchema, 'a'.repeat(2001));
  assert.equal(long.issues?.length, 2);
  assert.equal(v.safeParse(ageRecipientSchema, 'a'.repeat(2000)).issues?.length, 1);
});

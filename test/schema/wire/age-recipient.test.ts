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

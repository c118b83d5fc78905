import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import {
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption';
import { toBytes } from '../../../../schema/jose/digest.ts';
import { maxAgeHeaderBytes, readAgeHeader } from '../../../../src/config/secrets/age-header.ts';

const reasonOf = (bytes: Uint8Array): string => {
  const read = readAgeHeader(bytes);
  return read.ok ? 'ok' : read.reason;
};

test('the header of what age makes is read: stanzas, and the length of the plain text', async () => {
  const classic = await identityToRecipient(await generateX25519Identity());
  const hybrid = await identityToRecipient(await generateHybridIdentity());
  for (const length of [0, 1, 31, 32, 48, 65_535, 65_536, 65_537, 131_072, 511_999]) {
    const encrypter = new Encrypter();
    encrypter.addRecipient(classic);
    encrypter.addRecipient(hybrid);
    const read = readAgeHeader(await encrypter.encrypt(new Uint8Array(length)));
    assert.ok(read.ok);
    assert.deepEqual(
      read.value.stanzas.map(({ type }) => type),
      ['X25519', 'mlkem768x25519'],
    );
    assert.equal(read.value.plainBytes, length);
  }
});

test('threat 7: a header without an end is refused after 64 KiB, however large the file', () => {
  const stanza = `-> X25519 ${'A'.repeat(43)}\n${'B'.repeat(43)}\n`;
  const header = `age-encryption.org/v1\n${stanza.repeat(150_000)}`;
  const bytes = toBytes(header);
  assert.ok(bytes.length > 13_000_000);
  const before = process.cpuUsage().user;
  assert.equal(reasonOf(bytes), 'age_header_large');
  assert.ok(process.cpuUsage().user - before < 100_000, 'it was not parsed');
  const line = toBytes(`age-encryption.org/v1\n-> X25519 ${'A'.repeat(13_000_000)}`);
  assert.equal(reasonOf(line), 'age_header_large');
  const whole = `age-encryption.org/v1\n${stanza.repeat(500)}--- ${'C'.repeat(43)}\n`;
  assert.ok(whole.length < maxAgeHeaderBytes);
  assert.equal(reasonOf(toBytes(whole + 'x'.repeat(40))), 'ok');
});

test('what is no file of age is told from one that is armored or cut', async () => {
  assert.equal(reasonOf(toBytes('')), 'not_age');
  assert.equal(reasonOf(toBytes('hunter2\n')), 'not_age');
  assert.equal(reasonOf(toBytes('age-encryption.org/v2\n')), 'not_age');
  assert.equal(reasonOf(toBytes('-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n')), 'age_armored');
  assert.equal(reasonOf(toBytes('age-encryption.org/v1\n')), 'age_malformed');
  assert.equal(reasonOf(toBytes('age-encryption.org/v1\n-> \u0007\n\n')), 'age_malformed');
  assert.equal(reasonOf(toBytes('age-encryption.org/v1\n--- short\n')), 'age_malformed');
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(await generateX25519Identity()));
  const bytes = await encrypter.encrypt(new Uint8Array(100));
  const cut = readAgeHeader(bytes.subarray(0, bytes.length - 110));
  assert.ok(cut.ok && cut.value.plainBytes === null);
  for (let i = 0; i < 2000; i += 1) readAgeHeader(randomBytes(200));
  for (let at = 0; at < bytes.length; at += 1) {
    readAgeHeader(bytes.subarray(0, at));
    const changed = bytes.slice();
    changed[at] = changed[at]! ^ 0x80;
    readAgeHeader(changed);
  }
});

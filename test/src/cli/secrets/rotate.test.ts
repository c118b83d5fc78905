import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { replaceOutputs } from '../../../../src/cli/output.ts';
import { makeIdentity } from '../../../../src/cli/secrets/age.ts';
import {
  alphabets,
  randomValue,
  readAlphabet,
  strengthBits,
} from '../../../../src/config/secrets/random-value.ts';
import { makeSecretsDesk, type SecretsDesk } from '../../../support/secrets-desk.ts';

test('each character is as likely as any other, and none is left out', () => {
  const every = (): ((bytes: number) => Uint8Array) => {
    let next = 0;
    return (bytes) => Uint8Array.from({ length: bytes }, () => next++ % 256);
  };
  for (const [name, alphabet] of Object.entries(alphabets)) {
    const whole = 256 - (256 % alphabet.length);
    const counts = new Map<string, number>();
    for (const char of randomValue(every(), alphabet, whole)) counts.set(char, (counts.get(char) ?? 0) + 1);
    assert.equal(counts.size, alphabet.length, name);
    assert.deepEqual(new Set(counts.values()), new Set([whole / alphabet.length]), name);
  }
  assert.equal(strengthBits(alphabets.alphanumeric!, 32), 190);
  assert.equal(readAlphabet('aa'), null);
  assert.equal(readAlphabet('a b'), null);
  assert.equal(readAlphabet('xyz'), 'xyz');
});

test('files are replaced all or none, also when the system refuses one of them', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-outputs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [old, fresh, blocked] = ['old', 'sub/fresh', 'blocked'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(old, 'before');
  mkdirSync(join(blocked, 'x'), { recursive: true });
  const bytes = new TextEncoder().encode('after');
  assert.throws(
    () => replaceOutputs(new Map([old, fresh, blocked].map((path) => [path, bytes]))),
    /EISDIR|ENOTEMPTY|EEXIST/,
  );
  assert.equal(readFileSync(old, 'utf8'), 'before');
  assert.equal(existsSync(fresh), false);
  assert.deepEqual(readdirSync(folder, { recursive: true }).sort(), ['blocked', 'blocked/x', 'old', 'sub']);
});

describe('writ secrets rotate', () => {
  let desk: SecretsDesk;
  const ends: (() => void)[] = [];
  const rotate = (...words: string[]) => desk.writ(['secrets', 'rotate', ...words]);
  const both = ['secrets/secsvcs/shared_token.age', 'secrets/websvcs/shared_token.age'] as const;
  const set = async (name: string): Promise<void> => {
    assert.equal((await desk.writ(['secrets', 'set', name, '--from', '-'], { input: 'first' })).exit, 0);
  };
  before(async () => {
    desk = await makeSecretsDesk({ after: (work) => void ends.push(work) });
    await desk.admit();
  });
  after(() => {
    for (const end of ends) end();
  });

  test('gives every machine that has it one new value, without a key and without showing it', async () => {
    await set('shared_token');
    const ran = await rotate('shared_token');
    assert.equal(ran.exit, 0, ran.err);
    const values = await Promise.all(both.map((path) => desk.open(path, desk.owner)));
    assert.match(values[0]!, /^[A-Za-z0-9]{32}$/);
    assert.equal(values[0], values[1]);
    assert.equal((ran.out + ran.err).includes(values[0]!), false);
    assert.match(ran.out, /shared_token has a new value of 190 bits on secsvcs and websvcs\./);
    const hex = await rotate('shared_token', '--length', '64', '--alphabet', 'hex', '--json');
    assert.equal((JSON.parse(hex.out) as { bits: number }).bits, 256);
    assert.match(await desk.open(both[0], desk.owner), /^[0-9a-f]{64}$/);
    assert.equal((await rotate('shared_token', '--alphabet', 'xyz', '--length', '9')).exit, 0);
    assert.match(await desk.open(both[1], desk.machines.websvcs), /^[xyz]{9}$/);
  });

  test('makes a first value where it is told to, and says who keeps the old one', async () => {
    assert.match((await rotate('db_password')).err, /\(secret_unknown\)/);
    assert.equal((await rotate('db_password', '--on', 'secsvcs')).exit, 0);
    assert.match(await desk.open('secrets/secsvcs/db_password.age', desk.owner), /^\w{32}$/);
    const one = await rotate('shared_token', '--on', 'secsvcs');
    assert.match(one.out, /^websvcs keeps the old one\.$/m);
  });

  test('what does not go together is told', async () => {
    for (const words of [
      [],
      ['db_password', '--length', '0'],
      ['db_password', '--length', '1.5'],
      ['db_password', '--length', '5000'],
      ['db_password', '--alphabet', 'a'],
      ['--recipients', '--length', '9'],
    ]) {
      const ran = await rotate(...words);
      assert.equal(ran.exit, 2, words.join(' '));
      assert.ok(ran.err.endsWith('Nothing was done.\n(usage)\n'), ran.err);
    }
  });

  test('--recipients keeps values and encrypts them to the recipients of today, alone where it is needed', async () => {
    await set('shared_token');
    await set('db_password');
    const with_ = ['--recipients', '--identity', desk.ownerFile];
    assert.match((await rotate(...with_)).out, /^All 3 are encrypted to the recipients of today/);
    const late = await makeIdentity('classic');
    const file = join(desk.config, 'late.jws');
    writeFileSync(file, await desk.reportOf('websvcs', { seq: 6, recipients: { websvcs: late.recipient } }));
    assert.equal((await desk.writ(['secrets', 'recipients', '--report', file, '--yes'])).exit, 0);
    const kept = desk.read(both[0]);
    assert.match((await rotate('--recipients')).err, /\(identity_missing\)/);
    const ran = await rotate(...with_);
    assert.equal(ran.exit, 0, ran.err);
    assert.match(ran.out, /^secrets\/websvcs\/shared_token\.age\nValues are as they were/);
    assert.deepEqual(desk.read(both[0]), kept);
    assert.equal(await desk.open(both[1], late), 'first');
    await assert.rejects(desk.open(both[1], desk.machines.websvcs), /age_not_for_key/);
  });

  test('--recipients names what it cannot decrypt, and changes nothing', async () => {
    const other = await makeIdentity('classic');
    const { Encrypter } = await import('age-encryption');
    const encrypter = new Encrypter();
    encrypter.addRecipient(other.recipient);
    desk.write('secrets/websvcs/lost.age', await encrypter.encrypt('x'));
    const ran = await rotate('--recipients', '--identity', desk.ownerFile);
    assert.equal(ran.exit, 1);
    assert.match(ran.err, /secrets\/websvcs\/lost\.age cannot be decrypted.*Nothing was changed/s);
    const named = await rotate('shared_token', '--recipients', '--identity', desk.ownerFile);
    assert.equal(named.exit, 0, named.err);
  });
});

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { toBytes } from '../../../schema/jose/digest.ts';
import {
  enrolmentKey,
  enrolmentMac,
  formatEnrolmentCode,
  parseEnrolmentCode,
  sameMac,
} from '../../../schema/wire/enrolment.ts';
import type { EnrolmentCode } from '../../../schema/wire/relay-api.ts';

const secretBytes = Uint8Array.from({ length: 32 }, (_, i) => i);
const code: EnrolmentCode = {
  origin: 'https://100.64.0.1:8420',
  spki: `sha256:${'a'.repeat(64)}`,
  home: 'h_01JDZ0000000000000000000HM',
  relay: 'pve1',
  trust: `sha256:${'b'.repeat(64)}`,
  code: 'enr_01JDZ0000000000000000000CD',
  secret: encodeBase64url(secretBytes),
  expires: 1_763_800_000_000,
};
const lineOf = (value: unknown): string =>
  `writ-enrol.${encodeBase64url(typeof value === 'string' ? value : JSON.stringify(value))}`;
const isAccepted = (line: string): boolean => parseEnrolmentCode(line).ok;

describe('enrolment codes', () => {
  test('come back as they were, also when they were pasted with space around', () => {
    const line = formatEnrolmentCode(code);
    assert.match(line, /^writ-enrol\.[A-Za-z0-9_-]+$/, 'one word, safe in any shell');
    for (const pasted of [line, `  ${line}\n`, `\t${line}\r\n`]) {
      assert.deepEqual(parseEnrolmentCode(pasted), { ok: true, value: code });
    }
    assert.ok(isAccepted(formatEnrolmentCode({ ...code, spki: null })));
  });

  test('that were not copied whole are refused', () => {
    const line = formatEnrolmentCode(code);
    for (let length = 0; length < line.length; length += 1) {
      assert.equal(isAccepted(line.slice(0, length)), false, `${length} characters`);
    }
    for (const other of [
      line.replace('writ-enrol.', ''),
      line.replace('writ-enrol', 'writ-setup'),
      line.replace('writ-enrol', 'Writ-Enrol'),
      `${line}=`,
      `${line}A`,
      `${line} ${line}`,
      line.replace(/.{40}$/, (end) => ` ${end}`),
    ]) {
      assert.equal(isAccepted(other), false, other);
    }
  });

  test('threat 34: every member is needed, in its form, and no other', () => {
    for (const member of Object.keys(code)) {
      const { [member as keyof EnrolmentCode]: _, ...rest } = code;
      assert.equal(isAccepted(lineOf(rest)), false, `without ${member}`);
      for (const value of ['', 0, true, [], {}, 'Not it!', '\u0000']) {
        if (member === 'expires' && value === 0) continue;
        assert.equal(isAccepted(lineOf({ ...code, [member]: value })), false, `${member}: ${value}`);
      }
    }
    for (const changes of [
      { more: 1 },
      { relay: '../pve1' },
      { relay: 'pve1; reboot' },
      { origin: 'javascript:alert(1)' },
      { origin: 'http://example.net' },
      { origin: 'https://user:secret@example.net' },
      { origin: 'https://example.net/path' },
      { spki: 'sha256:00' },
      { trust: null },
      { expires: 1.5 },
      { expires: '1' },
    ]) {
      assert.equal(isAccepted(lineOf({ ...code, ...changes })), false, JSON.stringify(changes));
    }
    const text = JSON.stringify(code);
    assert.equal(isAccepted(lineOf(text.replace('{', '{"relay":"pve2",'))), false, 'a key twice');
    assert.equal(isAccepted(lineOf(`${text}${' '.repeat(4096)}`)), false, 'too large');
  });

  test('a secret with spare bits is refused, not thrown at', async () => {
    const last = code.secret.at(-1)!;
    assert.equal(last, '8');
    const secret = `${code.secret.slice(0, -1)}9`;
    assert.equal(isAccepted(lineOf({ ...code, secret })), false);
  });
});

describe('enrolment MACs', () => {
  const derive = (verifier: string): Buffer =>
    createHmac('sha256', secretBytes).update(`writ/1/enrol/${verifier}`).digest();

  test('are HMAC-SHA-256 under a key of their verifier, as another program computes it', async () => {
    const statement = toBytes('{"relay":"pve1"}');
    for (const verifier of ['controller', 'owner'] as const) {
      const key = await enrolmentKey(code.secret, verifier);
      assert.equal(key, derive(verifier).toString('base64url'));
      const mac = createHmac('sha256', derive(verifier)).update(statement).digest('base64url');
      assert.equal(await enrolmentMac(key, statement), mac);
    }
  });

  test('have the value of RFC 4231, test case 2', async () => {
    const key = encodeBase64url('Jefe');
    const mac = await enrolmentMac(key, toBytes('what do ya want for nothing?'));
    const expected = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';
    assert.equal(Buffer.from(mac, 'base64url').toString('hex'), expected);
  });

  test("threat 34: the controller's key makes no owner's MAC", async () => {
    const statement = toBytes('{"relay":"pve1"}');
    const controllerKey = await enrolmentKey(code.secret, 'controller');
    const owner = await enrolmentMac(await enrolmentKey(code.secret, 'owner'), statement);
    assert.notEqual(await enrolmentMac(controllerKey, statement), owner);
    assert.notEqual(await enrolmentMac(await enrolmentKey(controllerKey, 'owner'), statement), owner);
    assert.notEqual(controllerKey, code.secret);
  });

  test('threat 34: another statement, or one byte of it, has another MAC', async () => {
    const key = await enrolmentKey(code.secret, 'owner');
    const statement = toBytes('{"relay":"pve1","jwk":"A"}');
    const mac = await enrolmentMac(key, statement);
    for (let i = 0; i < statement.length; i += 1) {
      const other = statement.slice();
      other[i] = other[i]! ^ 1;
      assert.equal(sameMac(await enrolmentMac(key, other), mac), false);
    }
  });

  test('compare as equal only when they are', () => {
    for (const [a, b, same] of [
      ['', '', true],
      ['abc', 'abc', true],
      ['abc', 'abd', false],
      ['abc', 'Abc', false],
      ['abc', 'abcd', false],
      ['abc', '', false],
    ] as const) {
      assert.equal(sameMac(a, b), same);
    }
  });
});

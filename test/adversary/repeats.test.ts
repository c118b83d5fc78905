import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { toBytes } from '../../schema/jose/digest.ts';
import { startRig } from '../relay/agent/fixture.ts';

/** Texts that lenient decoders read as the same token. */
const reencodings: readonly [string, (text: string) => string][] = [
  ['padding', (text) => `${text}==`],
  ['padding inside', (text) => text.replace('.', '=.')],
  ['a space inside', (text) => `${text.slice(0, 20)} ${text.slice(20)}`],
  ['a trailing newline', (text) => `${text}\n`],
  [
    'spare bits',
    (text) => {
      // 64 bytes of signature leave four bits of the last character unused.
      const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const last = digits.indexOf(text.at(-1)!);
      return text.slice(0, -1) + digits[(last & ~15) | ((last + 1) & 15)];
    },
  ],
  [
    "the header's members in another order",
    (text) => {
      const [header, ...rest] = text.split('.') as [string, string, string];
      const { alg, typ, kid } = JSON.parse(Buffer.from(header, 'base64url').toString());
      return [encodeBase64url(JSON.stringify({ kid, typ, alg })), ...rest].join('.');
    },
  ],
  [
    "the other alphabet's characters",
    (text) => {
      const other = text.replaceAll('-', '+').replaceAll('_', '/');
      return other === text ? `${text}+` : other;
    },
  ],
  [
    'white space in the payload',
    (text) => {
      const [header, payload, signature] = text.split('.') as [string, string, string];
      const json = Buffer.from(payload, 'base64url').toString();
      return [header, encodeBase64url(` ${json}`), signature].join('.');
    },
  ],
];

test('threat 10: no other encoding of a job or of an authorisation is taken, and none runs a step again', async () => {
  const rig = await startRig();
  const { home, clock } = rig;
  for (const [name, encode] of reencodings) {
    const intent = await home.intent([{ action: 'guest.stop' }], { issuedAt: clock.now() });
    const text = await rig.job(intent);
    assert.notEqual(encode(text), text, name);
    assert.equal((await rig.executor.offer(encode(text))).kind, 'dropped', `job, ${name}`);
    const authorisation = encode(intent.authorisation);
    assert.notEqual(authorisation, intent.authorisation, name);
    assert.deepEqual(
      await rig.order({ ...intent, authorisation }),
      { kind: 'dropped', code: 'authorisation_invalid' },
      `authorisation, ${name}`,
    );
    assert.equal(rig.deeds.length, 0, name);
  }

  const intent = await home.intent([{ action: 'guest.stop' }], { issuedAt: clock.now() });
  assert.equal((await rig.order(intent)).kind, 'started');
  await rig.executor.idle();
  for (const [name, encode] of reencodings) {
    await rig.executor.offer(encode(await rig.job(intent)));
    await rig.order({ ...intent, authorisation: encode(intent.authorisation) });
    // Other bytes of the same meaning are another digest, which nobody authorised.
    const spaced = toBytes(` ${Buffer.from(intent.bytes).toString()}`);
    assert.equal((await rig.order({ ...intent, bytes: spaced })).kind, 'dropped', name);
  }
  const padded = `${encodeBase64url(intent.bytes)}=`;
  assert.equal((await rig.order(intent, 0, { intent: padded })).kind, 'dropped');
  assert.equal(rig.deeds.length, 1);
  await rig.executor.close();
});

test('threat 10: two polls that bring the same step at once run it once', async () => {
  for (let round = 0; round < 20; round += 1) {
    const rig = await startRig();
    const intent = await rig.home.intent([{ action: 'guest.stop' }], { issuedAt: rig.clock.now() });
    const jobs = [];
    for (let i = 0; i < 6; i += 1) jobs.push(await rig.job(intent));
    const kinds = (await Promise.all(jobs.map((job) => rig.executor.offer(job)))).map(({ kind }) => kind);
    await rig.executor.idle();
    assert.equal(kinds.filter((kind) => kind === 'started').length, 1, kinds.join());
    assert.equal(rig.deeds.length, 1);
    assert.deepEqual(
      rig.receipts().map(({ state }) => state),
      ['started', 'succeeded'],
    );
    await rig.executor.close();
  }
});

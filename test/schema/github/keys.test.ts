import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import { jwksUrl, maxJwksBytes, readJwks } from '../../../schema/github/keys.ts';
import { toBytes } from '../../../schema/jose/digest.ts';
import { githubJwk, githubKey } from '../../support/github-issuer.ts';
import { issuer, jwks, key, memoryIssuers } from './fixture.ts';

const jwk = githubJwk(key);
const otherKey = githubKey();
const other = githubJwk(otherKey);
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

const idsOf = async (...keys: readonly object[]): Promise<string[]> => {
  const read = await readJwks(jwks(...keys));
  assert.ok(read.ok, JSON.stringify(read));
  return [...read.value.keys()];
};

const wordOf = (found: { ok: boolean; reason?: string }): string => (found.ok ? 'found' : found.reason!);

describe('a set of keys', () => {
  test('gives those that say they are for RS256, or nothing of what they are for', async () => {
    assert.deepEqual(await idsOf(jwk, other), [key.kid, otherKey.kid]);
    const { alg: _, use: __, ...bare } = jwk;
    for (const good of [
      bare,
      { ...jwk, key_ops: ['verify'] },
      { ...jwk, key_ops: ['sign', 'verify'] },
      { ...jwk, x5c: ['MIIC'], more: { of: ['any', 'kind'] } },
    ]) {
      assert.deepEqual(await idsOf(good), [key.kid], JSON.stringify(Object.keys(good)));
    }
    for (const bad of [
      ...[{ use: 'enc' }, { use: '' }, { use: null }, { use: ['sig'] }],
      ...[{ key_ops: [] }, { key_ops: ['encrypt'] }, { key_ops: ['sign'] }, { key_ops: 'verify' }],
      ...[{ key_ops: ['verify', 1] }, { key_ops: null }, { key_ops: { 0: 'verify' } }],
      ...[{ alg: 'RS512' }, { alg: 'PS256' }, { alg: 'HS256' }, { alg: null }],
      ...[{ kty: 'EC' }, { kty: 'oct' }, { kty: undefined }],
      ...[{ kid: '' }, { kid: undefined }, { kid: 7 }, { kid: 'k'.repeat(1025) }],
      ...[{ n: undefined }, { n: 7 }, { n: '' }, { n: `${jwk.n}=` }, { n: `${jwk.n} ` }],
      ...[{ e: undefined }, { e: 7 }, { e: '' }],
    ]) {
      assert.deepEqual(await idsOf({ ...jwk, ...bad }, other), [otherKey.kid], JSON.stringify(bad));
    }
  });

  test('threat 23: weak RSA keys verify nothing', async () => {
    const jwkOf = (modulusLength: number, publicExponent = 65_537) => {
      const { publicKey } = generateKeyPairSync('rsa', { modulusLength, publicExponent });
      const { n, e } = publicKey.export({ format: 'jwk' });
      return { kty: 'RSA', kid: `${modulusLength}/${publicExponent}`, n: n!, e: e! };
    };
    assert.deepEqual(await idsOf(jwkOf(1024), jwkOf(2047), jwkOf(2048, 3), jwkOf(2048)), ['2048/65537']);
    // Written as if it were longer: bytes of zero before it.
    const short = jwkOf(1024);
    const padded = Buffer.concat([Buffer.alloc(128), Buffer.from(short.n, 'base64url')]);
    assert.deepEqual(await idsOf({ ...short, n: padded.toString('base64url') }), []);
    for (const e of ['AQ', 'Aw', 'AAEAAQ', 'AQAA', 'AQAB=']) {
      assert.deepEqual(await idsOf({ ...jwk, e }), [], e);
    }
    const long = (bytes: number, first = 0xff) =>
      Buffer.concat([Buffer.of(first), Buffer.alloc(bytes - 1, 0xff)]).toString('base64url');
    assert.deepEqual(await idsOf({ ...jwk, n: long(256, 0x80) }), [key.kid]);
    assert.deepEqual(await idsOf({ ...jwk, n: long(256, 0x7f) }), []);
    assert.deepEqual(await idsOf({ ...jwk, n: long(255) }), []);
    assert.deepEqual(await idsOf({ ...jwk, kid: 'k' }), ['k']);
    assert.deepEqual(await idsOf({ ...jwk, n: long(768) }), [key.kid]);
    assert.deepEqual(await idsOf({ ...jwk, n: long(769) }), []);
  });

  test('threat 23: a kid that stands twice names no key, whichever comes first', async () => {
    const twin = { ...other, kid: key.kid };
    const third = { ...githubJwk(githubKey()), kid: 'third' };
    assert.deepEqual(await idsOf(jwk, twin), []);
    assert.deepEqual(await idsOf(twin, third, jwk), ['third']);
    assert.deepEqual(await idsOf(jwk, jwk, jwk), []);
    // What is no key at all takes no name.
    assert.deepEqual(await idsOf({ ...twin, use: 'enc' }, jwk), [key.kid]);
  });

  test('verifies what its key signed, and nothing else', async () => {
    const read = await readJwks(jwks(jwk, other));
    assert.ok(read.ok);
    const bytes = toBytes('what is signed');
    const signature = sign('sha256', bytes, key.privateKey);
    assert.equal(await read.value.get(key.kid)!(bytes, signature), true);
    assert.equal(await read.value.get(otherKey.kid)!(bytes, signature), false);
    assert.equal(await read.value.get(key.kid)!(toBytes('another'), signature), false);
  });

  test('threat 23: what is no set of keys, or too large, is told as malformed', async () => {
    const wordOfBytes = async (bytes: Uint8Array<ArrayBuffer>) => wordOf(await readJwks(bytes));
    for (const text of [
      ...['', '<html>', '{', 'null', '[]', '{}', '{"keys":{}}', '{"keys":null}', '{"keys":[1]}'],
      ...['{"keys":[],"keys":[]}', '{"keys":[{"kid":"a","kid":"b"}]}', `{"keys":${'['.repeat(99)}`],
    ]) {
      assert.equal(await wordOfBytes(toBytes(text)), 'github_keys_malformed', text);
    }
    assert.equal(await wordOfBytes(Uint8Array.of(0xff, 0xfe)), 'github_keys_malformed');
    const sized = (size: number) => {
      const frame = '{"keys":[],"more":""}';
      return toBytes(`{"keys":[],"more":"${'x'.repeat(size - frame.length)}"}`);
    };
    assert.equal(await wordOfBytes(sized(maxJwksBytes)), 'found');
    assert.equal(await wordOfBytes(sized(maxJwksBytes + 1)), 'github_keys_malformed');
    assert.equal(maxJwksBytes, 65_536);
    const many = (count: number) => jwks(...Array.from({ length: count }, () => ({})));
    assert.equal(await wordOfBytes(many(32)), 'found');
    assert.equal(await wordOfBytes(many(33)), 'github_keys_malformed');
    const refused = await readJwks(toBytes('{"keys":7}'));
    assert.ok(!refused.ok);
    assert.match(refused.detail!, /^keys: expected Array/);
  });
});

describe('keys of issuers', () => {
  test('are asked for at one address, once an hour at most while tokens name those that are known', async () => {
    const { keys, asked, advance, warned } = memoryIssuers({ [issuer]: jwks(jwk) });
    assert.equal(wordOf(await keys.find(issuer, key.kid)), 'found');
    assert.deepEqual(asked, ['https://token.actions.githubusercontent.com/.well-known/jwks']);
    assert.equal(asked[0], jwksUrl(issuer));
    advance(hourMs - 1);
    assert.equal(wordOf(await keys.find(issuer, key.kid)), 'found');
    assert.equal(asked.length, 1);
    advance(1);
    assert.equal(wordOf(await keys.find(issuer, key.kid)), 'found');
    assert.equal(asked.length, 2);
    assert.deepEqual(warned, []);
  });

  test('threat 23: many tokens at once make one fetch', async () => {
    const { keys, asked, hold, release } = memoryIssuers({ [issuer]: jwks(jwk) });
    hold();
    const all = ['a', 'b', key.kid, key.kid].map((kid) => keys.find(issuer, kid));
    await new Promise(setImmediate);
    assert.equal(asked.length, 1);
    release();
    const unknown = 'github_key_unknown';
    assert.deepEqual((await Promise.all(all)).map(wordOf), [unknown, unknown, 'found', 'found']);
    assert.equal(asked.length, 1);
  });

  test('threat 23: a key that is not there is asked for once a minute, counted from the last answer', async () => {
    const { keys, asked, advance, hold, release } = memoryIssuers({ [issuer]: jwks(jwk) });
    const find = async (kid: string) => wordOf(await keys.find(issuer, kid));
    assert.equal(await find('none'), 'github_key_unknown');
    for (const kid of ['none', 'other', key.kid, '__proto__', 'constructor']) {
      assert.equal(await find(kid), kid === key.kid ? 'found' : 'github_key_unknown');
    }
    assert.equal(asked.length, 1);
    advance(minuteMs - 1);
    await find('none');
    assert.equal(asked.length, 1);
    advance(1);
    hold();
    const slow = find('none');
    await new Promise(setImmediate);
    assert.equal(asked.length, 2);
    // It takes half a minute: the next is a minute after its end.
    advance(minuteMs / 2);
    release();
    assert.equal(await slow, 'github_key_unknown');
    advance(minuteMs - 1);
    await find('none');
    assert.equal(asked.length, 2);
    advance(1);
    await find('none');
    assert.equal(asked.length, 3);
  });

  test('threat 23: a failing issuer is asked as seldom: 20 tokens make one fetch', async () => {
    for (const [answer, refusal] of [
      ['down', 'github_keys_unreachable'],
      [toBytes('<html>'), 'github_keys_malformed'],
      [jwks(), 'github_key_unknown'],
    ] as const) {
      const { keys, asked, advance, answers, warned } = memoryIssuers({ [issuer]: answer });
      for (let i = 0; i < 20; i += 1) assert.equal(wordOf(await keys.find(issuer, key.kid)), refusal);
      assert.equal(asked.length, 1);
      assert.equal(warned.length, 1);
      advance(minuteMs - 1);
      answers[issuer] = jwks(jwk);
      assert.equal(wordOf(await keys.find(issuer, key.kid)), refusal);
      // No later than that, keys are had again.
      advance(1);
      assert.equal(wordOf(await keys.find(issuer, key.kid)), 'found');
      assert.equal(asked.length, 2);
    }
  });

  test('after an outage of any length a key is had within a minute, also when it was known before', async () => {
    const { keys, asked, advance, answers } = memoryIssuers({ [issuer]: jwks(jwk) });
    const find = async () => wordOf(await keys.find(issuer, key.kid));
    assert.equal(await find(), 'found');
    answers[issuer] = 'down';
    advance(dayMs - 1);
    assert.equal(await find(), 'found');
    assert.equal(asked.length, 2);
    advance(1);
    assert.equal(await find(), 'github_keys_unreachable');
    assert.equal(asked.length, 2);
    answers[issuer] = jwks(jwk);
    advance(minuteMs - 2);
    assert.equal(await find(), 'github_keys_unreachable');
    advance(1);
    assert.equal(await find(), 'found');
    assert.equal(asked.length, 3);
  });

  test('that were had stay good for a day while their issuer is away, and it is asked once a minute', async () => {
    const { keys, asked, advance, answers, warned } = memoryIssuers({ [issuer]: jwks(jwk) });
    const find = async () => wordOf(await keys.find(issuer, key.kid));
    await find();
    answers[issuer] = 'down';
    advance(hourMs);
    for (const [ms, count] of [
      [0, 2],
      [minuteMs - 1, 2],
      [1, 3],
    ] as const) {
      advance(ms);
      assert.equal(await find(), 'found');
      assert.equal(asked.length, count);
    }
    assert.deepEqual(warned[0], ['github_keys_unreachable', { url: jwksUrl(issuer), reason: 'status 503' }]);
    answers[issuer] = jwks(jwk);
    advance(minuteMs);
    assert.equal(await find(), 'found');
    advance(hourMs - 1);
    assert.equal(await find(), 'found');
    assert.equal(asked.length, 4);
  });

  test('threat 23: who names a known key does not wait for what a stranger’s token set off', async () => {
    const { keys, asked, advance, hold, release } = memoryIssuers({ [issuer]: jwks(jwk) });
    await keys.find(issuer, key.kid);
    advance(minuteMs);
    hold();
    let strangers: string | null = null;
    const waiting = keys.find(issuer, 'stranger').then((found) => {
      strangers = wordOf(found);
    });
    await new Promise(setImmediate);
    assert.equal(asked.length, 2);
    assert.equal(wordOf(await keys.find(issuer, key.kid)), 'found');
    assert.equal(strangers, null);
    release();
    await waiting;
    assert.equal(strangers, 'github_key_unknown');
  });

  test('threat 23: one issuer that hangs holds up no other', async () => {
    const second = 'https://ghe.example.net/_services/token';
    const { keys, asked, hold, release } = memoryIssuers({ [issuer]: jwks(jwk), [second]: jwks(other) });
    assert.equal(wordOf(await keys.find(second, otherKey.kid)), 'found');
    hold();
    const hanging = keys.find(issuer, key.kid);
    await new Promise(setImmediate);
    assert.equal(wordOf(await keys.find(second, otherKey.kid)), 'found');
    release();
    assert.equal(wordOf(await hanging), 'found');
    // Neither knows the other's keys.
    assert.equal(wordOf(await keys.find(second, key.kid)), 'github_key_unknown');
    assert.equal(wordOf(await keys.find(issuer, otherKey.kid)), 'github_key_unknown');
    assert.equal(asked.length, 2);
  });

  test('threat 23: a rotation brings the new key, and one that is gone verifies nothing after an hour', async () => {
    const { keys, advance, answers } = memoryIssuers({ [issuer]: jwks(jwk) });
    const find = async (kid: string) => wordOf(await keys.find(issuer, kid));
    assert.equal(await find(key.kid), 'found');
    answers[issuer] = jwks(jwk, other);
    assert.equal(await find(otherKey.kid), 'github_key_unknown');
    advance(minuteMs);
    assert.equal(await find(otherKey.kid), 'found');
    assert.equal(await find(key.kid), 'found');
    answers[issuer] = jwks(other);
    advance(hourMs);
    assert.equal(await find(key.kid), 'github_key_unknown');
    assert.equal(await find(otherKey.kid), 'found');
  });

  test('threat 23: a swap of the key under one name: from then on the new one alone', async () => {
    const { keys, advance, answers } = memoryIssuers({ [issuer]: jwks(jwk) });
    await keys.find(issuer, key.kid);
    answers[issuer] = jwks({ ...other, kid: key.kid });
    advance(hourMs);
    const found = await keys.find(issuer, key.kid);
    assert.ok(found.ok);
    const bytes = toBytes('x');
    assert.equal(await found.value(bytes, sign('sha256', bytes, key.privateKey)), false);
    assert.equal(await found.value(bytes, sign('sha256', bytes, otherKey.privateKey)), true);
  });

  test('what an issuer answers wrongly is told with its address, and keys that were had stay', async () => {
    const { keys, advance, answers, warned } = memoryIssuers({ [issuer]: jwks(jwk) });
    await keys.find(issuer, key.kid);
    answers[issuer] = toBytes('<html>');
    advance(hourMs);
    assert.equal(wordOf(await keys.find(issuer, key.kid)), 'found');
    const url = jwksUrl(issuer);
    assert.deepEqual(warned, [['github_keys_malformed', { url, reason: 'malformed JSON at character 0' }]]);
    // An issuer that names none any more is believed: that is how it takes keys back.
    answers[issuer] = jwks({ ...jwk, use: 'enc' });
    advance(minuteMs);
    assert.deepEqual(await keys.find(issuer, key.kid), {
      ok: false,
      reason: 'github_key_unknown',
      detail: 'its issuer has no such key',
    });
    assert.deepEqual(warned[1], ['github_keys_malformed', { url, reason: 'it has no key that verifies' }]);
  });

  test('a refusal says why the keys are not there', async () => {
    const { keys, answers, advance } = memoryIssuers({ [issuer]: 'down' });
    assert.deepEqual(await keys.find(issuer, key.kid), {
      ok: false,
      reason: 'github_keys_unreachable',
      detail: 'the keys of its issuer could not be had: status 503',
    });
    answers[issuer] = toBytes('{}');
    advance(minuteMs);
    assert.deepEqual(await keys.find(issuer, key.kid), {
      ok: false,
      reason: 'github_keys_malformed',
      detail: 'the keys of its issuer could not be had: keys is missing',
    });
  });
});

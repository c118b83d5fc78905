import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import * as v from 'valibot';
import { decodeBase64url, encodeBase64url } from '../../../schema/jose/base64url.ts';
import type { Crypto } from '../../../schema/jose/crypto.ts';
import { runtime } from '../../../schema/jose/crypto-node.ts';
import { digestSchema, toBytes } from '../../../schema/jose/digest.ts';
import { parsePayload, readJws, signJws } from '../../../schema/jose/jws.ts';
import { acceptKey, fingerprint, generateKey, importSigningKey } from '../../../schema/jose/keys.ts';
import { parseStrictJson } from '../../../schema/jose/strict-json.ts';

const refusal = (reason: string, detail?: string) =>
  detail === undefined ? { ok: false, reason } : { ok: false, reason, detail };

let made: Awaited<ReturnType<typeof generateKey>>;

before(async () => {
  made = await generateKey();
});

describe('a refusal says what is wrong, and never the value', () => {
  test('texts that are not canonical base64url', () => {
    for (const text of ['A', '!', 'AB==', 'AB']) {
      assert.deepEqual(decodeBase64url(text), refusal('base64url_not_canonical'), text);
    }
    assert.deepEqual(decodeBase64url('AA'), { ok: true, value: new Uint8Array(1) });
  });

  test('texts that are no token of the profile', async () => {
    const text = await signJws('job', {}, made.signing);
    const [header, payload, signature] = text.split('.') as [string, string, string];
    const withHeader = (value: string | object): string =>
      `${encodeBase64url(typeof value === 'string' ? value : JSON.stringify(value))}.${payload}.${signature}`;
    const good = { alg: 'Ed25519', typ: 'writ-job+jws', kid: made.signing.kid };
    const cases: readonly (readonly [string, object])[] = [
      ['a'.repeat(501), refusal('jws_too_large', 'more than 500 bytes')],
      [`${header}.${payload}`, refusal('jws_malformed', 'not three parts')],
      [`${header}.${payload}.!`, refusal('jws_malformed', 'not canonical base64url')],
      [`!.${payload}.${signature}`, refusal('jws_malformed', 'not canonical base64url')],
      [`${header}.!.${signature}`, refusal('jws_malformed', 'not canonical base64url')],
      [`${header}.${payload}.AA`, refusal('jws_malformed', 'the signature is not 64 bytes')],
      [withHeader('{'), refusal('jws_header', 'malformed JSON at character 1')],
      [withHeader({ ...good, more: [[]] }), refusal('jws_header', 'deeper than 2 levels')],
      [
        withHeader({ ...good, more: [] }),
        refusal('jws_header', 'the header is not exactly alg, typ and kid'),
      ],
      [withHeader({ ...good, typ: 'writ-trust+jws' }), refusal('jws_header', 'the typ is not writ-job+jws')],
    ];
    for (const [given, expected] of cases) assert.deepEqual(readJws('job', given, 500), expected, given);
    assert.deepEqual(readJws('job', text, 500), {
      ok: true,
      value: {
        kid: made.signing.kid,
        payload: toBytes('{}'),
        input: toBytes(`${header}.${payload}`),
        signature: new Uint8Array(Buffer.from(signature, 'base64url')),
      },
    });
    const wide = withHeader(JSON.stringify(good) + ' '.repeat(512 - JSON.stringify(good).length));
    assert.equal(readJws('job', wide, 2000).ok, true, 'a header of 512 bytes');
    const wider = withHeader(JSON.stringify(good) + ' '.repeat(513 - JSON.stringify(good).length));
    assert.deepEqual(readJws('job', wider, 2000), refusal('jws_header', 'more than 512 bytes'));
  });

  test('threat 20: payloads of another shape, whatever the value is made of', () => {
    const told = (schema: v.GenericSchema, value: unknown) =>
      parsePayload(JSON.stringify(value), v.strictObject({ secret: schema }), 500);
    const lower = v.pipe(v.string(), v.regex(/^[a-z]+$/));
    const format = refusal('jws_payload', 'secret: Invalid format: Expected /^[a-z]+$/');
    for (const secret of ['CANARY', 'a long CANARY', 'first\nCANARY', '\nCANARY\n', ' but received CANARY']) {
      assert.deepEqual(told(lower, { secret }), format, JSON.stringify(secret));
    }
    const least = v.pipe(v.number(), v.minValue(7));
    assert.deepEqual(
      told(least, { secret: 5 }),
      refusal('jws_payload', 'secret: Invalid value: Expected >=7'),
    );
    assert.deepEqual(told(least, { secret: 'CANARY' }), refusal('jws_payload', 'secret: expected number'));
    const custom = v.custom<string>(() => false);
    assert.deepEqual(told(custom, { secret: 'CANARY' }), refusal('jws_payload', 'secret: expected unknown'));
    const other = v.pipe(
      v.string(),
      v.rawTransform<string, string>(({ addIssue, NEVER }) => {
        addIssue({ message: 'CANARY' });
        return NEVER;
      }),
    );
    assert.deepEqual(
      told(other, { secret: 'CANARY' }),
      refusal('jws_payload', 'secret: expected another value'),
    );
    assert.deepEqual(told(least, { secret: 8 }), { ok: true, value: { secret: 8 } });
    assert.deepEqual(told(digestSchema, { secret: 'sha256:CANARY' }), {
      ...refusal('jws_payload', 'secret: must be sha256: and 64 hex digits'),
    });
  });

  test('threat 20: names of members are told short, and without what acts on a terminal', () => {
    const told = (value: unknown) => {
      const parsed = parsePayload(JSON.stringify(value), v.record(v.string(), v.strictObject({})), 5000);
      return parsed.ok ? '' : parsed.detail;
    };
    const controls = '\u001b[2J\n\u009b\u202e\u200fk\u00fcche';
    assert.equal(
      told({ [controls]: { a: 1 } }),
      '\ufffd[2J\ufffd\ufffd\ufffd\ufffdk\u00fcche.a is not a known member',
    );
    assert.equal(told({ [controls]: 1 }), '\ufffd[2J\ufffd\ufffd\ufffd\ufffdk\u00fcche: expected Object');
    assert.equal(told({ ['b'.repeat(198)]: { a: 1 } }), `${'b'.repeat(198)}.a is not a known member`);
    assert.equal(told({ ['b'.repeat(199)]: { a: 1 } }), `${'b'.repeat(199)}. is not a known member`);
    assert.equal(
      told({ ['b'.repeat(199) + String.fromCodePoint(0x1f600)]: 1 }),
      `${'b'.repeat(199)}\ufffd: expected Object`,
    );
    const twice = (key: string) => {
      const parsed = parseStrictJson(`{${JSON.stringify(key)}:1,${JSON.stringify(key)}:1}`, {
        maxBytes: 500,
      });
      return parsed.ok ? '' : parsed.detail;
    };
    assert.equal(twice('k\u00fcche\u009b\n'), 'the key "k\u00fcche\ufffd\ufffd" stands twice');
    assert.equal(twice('b'.repeat(60)), `the key "${'b'.repeat(60)}" stands twice`);
    assert.equal(twice('b'.repeat(61)), `the key "${'b'.repeat(60)}" stands twice`);
  });

  test('keys that are none, weak or of two halves', async () => {
    assert.deepEqual(
      await acceptKey({ kty: 'OKP', crv: 'Ed25519', x: 'A' }),
      refusal('key_malformed', 'not an Ed25519 public JWK of kty, crv and x'),
    );
    const { d: _, ...half } = made.secret;
    assert.deepEqual(
      await importSigningKey(half),
      refusal('key_malformed', 'not an Ed25519 secret JWK of kty, crv, x and d'),
    );
    const other = await generateKey();
    assert.deepEqual(
      await importSigningKey({ ...made.secret, d: other.secret.d }),
      refusal('key_malformed', 'd and x are not of one key'),
    );
    /** 32 bytes, little-endian: y, and the sign of x in the highest bit. */
    const pointOf = (y: bigint, sign = 0n) => {
      const bytes = new Uint8Array(32);
      for (let i = 0; i < 32; i += 1) bytes[i] = Number(((y | (sign << 255n)) >> BigInt(8 * i)) & 255n);
      return acceptKey({ kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(bytes) });
    };
    const p = 2n ** 255n - 19n;
    const weak = (detail: string) => refusal('key_weak', detail);
    assert.deepEqual(await pointOf(p), weak('the point is not encoded canonically'));
    assert.deepEqual(await pointOf(p + 1n), weak('the point is not encoded canonically'));
    for (const y of [0n, 1n, p - 1n]) {
      assert.deepEqual(await pointOf(y), weak('the point is of small order'), String(y));
    }
    assert.deepEqual(await pointOf(2n), weak('the point is not on the curve'));
    // RFC 8032 section 7.1, test 1
    assert.equal((await pointOf(3n)).ok || (await pointOf(4n)).ok || (await pointOf(5n)).ok, true);
  });

  test('texts that are no strict JSON', () => {
    const cases: readonly (readonly [string | Uint8Array, object])[] = [
      ['[[[1]]]', refusal('json_too_deep', 'deeper than 3 levels')],
      ['"123456789"', refusal('json_too_large', 'more than 10 bytes')],
      ['{"a":1,}', refusal('json_malformed', 'malformed JSON at character 7')],
      ['[1 2]', refusal('json_malformed', 'malformed JSON at character 3')],
      [Uint8Array.of(0x22, 0xff, 0x22), refusal('json_not_utf8', 'not UTF-8')],
    ];
    for (const [given, expected] of cases) {
      assert.deepEqual(parseStrictJson(given, { maxBytes: 10, maxDepth: 3 }), expected, String(given));
    }
    const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    assert.equal(parseStrictJson(nested(32), { maxBytes: 100 }).ok, true);
    assert.deepEqual(
      parseStrictJson(nested(33), { maxBytes: 100 }),
      refusal('json_too_deep', 'deeper than 32 levels'),
    );
    for (const word of ['nulL', 'trux', 'falsy', 'nul', 'tru ', 'null0']) {
      const at = word === 'null0' ? 4 : 0;
      const why = refusal('json_malformed', `malformed JSON at character ${at}`);
      assert.deepEqual(parseStrictJson(word, { maxBytes: 10 }), why, word);
    }
    assert.deepEqual(
      parseStrictJson('{"a":1,"\\u0061":2}', { maxBytes: 100 }),
      refusal('json_duplicate_key', 'the key "a" stands twice'),
    );
  });
});

describe('keys', () => {
  test('whoever holds a key can sign, and cannot write it down', () => {
    const { signing, secret } = made;
    assert.deepEqual(Object.keys(signing).sort(), ['jwk', 'kid', 'sign']);
    assert.equal(typeof signing.sign, 'function');
    assert.deepEqual(Reflect.ownKeys(signing.sign).sort(), ['length', 'name']);
    const shown = `${JSON.stringify(signing)} ${inspect(signing, { depth: 10, showHidden: true })}`;
    assert.ok(!shown.includes(secret.d));
  });

  test('a fingerprint is of 32 bytes', () => {
    for (const length of [10, 31, 33]) {
      assert.equal(fingerprint(encodeBase64url(new Uint8Array(length))), 'invalid', String(length));
    }
    assert.equal(fingerprint(encodeBase64url(new Uint8Array(32))), '0000-0000-0000-0000');
    const bytes = new Uint8Array(32).fill(255, 0, 1).fill(255, 9, 12);
    assert.equal(fingerprint(encodeBase64url(bytes)), 'ZW00-0000-0000-007Z');
  });

  /** Runs with one function of the runtime's cryptography in another form. */
  async function withRuntime(other: Partial<Crypto>, body: () => Promise<void>) {
    const own = { ...runtime };
    Object.assign(runtime, other);
    try {
      await body();
    } finally {
      Object.assign(runtime, own);
    }
  }

  test('threat 24: where the runtime does not compare the halves of a key, they are compared', async () => {
    const other = await generateKey();
    const { signerOf } = runtime;
    await withRuntime({ signerOf: () => signerOf(other.secret) }, async () => {
      assert.equal((await importSigningKey(other.secret)).ok, true);
      assert.deepEqual(
        await importSigningKey({ ...made.secret, d: other.secret.d }),
        refusal('key_malformed', 'd and x are not of one key'),
      );
    });
  });

  test('threat 24: a runtime that makes weak keys makes none, and is not asked for ever', async () => {
    const weak = { x: encodeBase64url(new Uint8Array(32)), d: made.secret.d };
    await withRuntime({ generate: async () => weak }, () =>
      assert.rejects(generateKey(), /^Error: the new key is not a good one: key_weak$/),
    );
  });
});

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { decodeBase64url, encodeBase64url } from '../../../schema/jose/base64url.ts';
import { toBytes } from '../../../schema/jose/digest.ts';
import {
  describeIssue,
  type JwsKind,
  parsePayload,
  readJws,
  signJws,
  verifyJws,
  verifyJwsBytes,
} from '../../../schema/jose/jws.ts';
import { type AcceptedKey, acceptKey, generateKey, type SigningKey } from '../../../schema/jose/keys.ts';

const kinds: readonly JwsKind[] = [
  'intent',
  'job',
  'receipt',
  'report',
  'proof',
  'heartbeat',
  'trust',
  'token',
  'witness',
];
const maxBytes = 4096;
const payload = { home: 'h_00000000000000000000000000', count: 7 };
const payloadSchema = v.strictObject({ home: v.string(), count: v.number() });

let signing: SigningKey;
let key: AcceptedKey;
let good: string;

before(async () => {
  signing = (await generateKey()).signing;
  const accepted = await acceptKey(signing.jwk);
  assert.ok(accepted.ok);
  key = accepted.value;
  good = await signJws('job', payload, signing);
});

const goodHeader = () => ({ alg: 'Ed25519', typ: 'writ-job+jws', kid: signing.kid });

/** A JWS with any header, truly signed over what it says. */
async function forge(header: unknown, body: string | object = payload): Promise<string> {
  const headerText = typeof header === 'string' ? header : JSON.stringify(header);
  const bodyText = typeof body === 'string' ? body : JSON.stringify(body);
  const input = `${encodeBase64url(headerText)}.${encodeBase64url(bodyText)}`;
  return `${input}.${encodeBase64url(await signing.sign(toBytes(input)))}`;
}

/** Verifies as a job with a finder that finds the one key whatever is asked for. */
async function reasonOf(text: string, finder = (_: string): AcceptedKey | undefined => key): Promise<string> {
  const result = await verifyJws('job', text, { maxBytes, findKey: finder, schema: payloadSchema });
  return result.ok ? 'accepted' : result.reason;
}

describe('JWS profile', () => {
  test('what was signed verifies, with its payload and its signer', async () => {
    const result = await verifyJws('job', good, { maxBytes, findKey: () => key, schema: payloadSchema });
    assert.ok(result.ok);
    assert.deepEqual(result.value.payload, payload);
    assert.equal(result.value.key.kid, signing.kid);
    assert.equal(await reasonOf(await forge(goodHeader())), 'accepted');
  });

  test('bytes are signed as they are', async () => {
    const bytes = Uint8Array.of(0, 255, 10, 13);
    const text = await signJws('trust', bytes, signing);
    const result = await verifyJwsBytes('trust', text, maxBytes, () => key);
    assert.deepEqual(result.ok && result.value.payload, bytes);
  });

  test('threat 6: a text of one kind is refused as any other kind', async () => {
    for (const signed of kinds) {
      const text = await signJws(signed, payload, signing);
      for (const wanted of kinds) {
        const result = await verifyJwsBytes(wanted, text, maxBytes, () => key);
        assert.equal(result.ok ? 'accepted' : result.reason, signed === wanted ? 'accepted' : 'jws_header');
      }
    }
  });

  test('threat 22: each member of the header is needed, as it is, and no other', async () => {
    const header = goodHeader();
    const odd = [undefined, null, '', 0, true, [], {}, ['Ed25519'], 'x'];
    for (const member of Object.keys(header)) {
      for (const value of odd) {
        // a kid of another form is a fault of the header, too
        assert.equal(
          await reasonOf(await forge({ ...header, [member]: value })),
          'jws_header',
          `${member}: ${value}`,
        );
      }
    }
    for (const alg of [
      'none',
      'None',
      'EdDSA',
      'ed25519',
      'ED25519',
      'Ed448',
      'HS256',
      'RS256',
      'ES256',
      'Ed25519 ',
    ]) {
      assert.equal(await reasonOf(await forge({ ...header, alg })), 'jws_header', alg);
    }
    for (const typ of [
      ...kinds.filter((kind) => kind !== 'job').map((kind) => `writ-${kind}+jws`),
      ...[
        'JWT',
        'jose',
        'job',
        'writ-job',
        'writ-job+jwt',
        'WRIT-JOB+JWS',
        'application/writ-job+jws',
        'writ-job+jws ',
      ],
    ]) {
      assert.equal(await reasonOf(await forge({ ...header, typ })), 'jws_header', typ);
    }
    for (const kid of [
      'root',
      `${signing.kid}=`,
      signing.kid.slice(1),
      `${signing.kid}A`,
      `../${signing.kid.slice(3)}`,
    ]) {
      assert.equal(await reasonOf(await forge({ ...header, kid })), 'jws_header', kid);
    }
    for (const extra of [
      { jwk: signing.jwk },
      { jku: 'https://example.net/keys' },
      { x5u: 'https://example.net/chain' },
      { x5c: ['AA'] },
      { x5t: 'AA' },
      { crit: ['b64'] },
      { crit: [] },
      { b64: true },
      { b64: false, crit: ['b64'] },
      { cty: 'json' },
      { iat: 1 },
      { zip: 'DEF' },
      { toString: 'x' },
      { '': '' },
    ]) {
      assert.equal(await reasonOf(await forge({ ...header, ...extra })), 'jws_header', JSON.stringify(extra));
    }
  });

  test('threat 22: a header of another form is refused', async () => {
    const text = JSON.stringify(goodHeader());
    const twice = (member: string, value: string) =>
      text.replace(/}$/, `,"${member}":${JSON.stringify(value)}}`);
    for (const header of [
      ...['', '{}', 'null', '[]', '"text"', text.slice(0, -1), `${text}{}`, `[${text}]`, `\ufeff${text}`],
      twice('alg', 'Ed25519'),
      twice('\\u0061lg', 'none'),
      twice('kid', signing.kid),
      twice('__proto__', 'x'),
      `{"pad":"${'x'.repeat(600)}"}`,
      `${text.slice(0, -1)}${' '.repeat(600)}}`,
    ]) {
      assert.equal(await reasonOf(await forge(header)), 'jws_header', header.slice(0, 120));
    }
    // the order of members and space between them mean nothing, and are covered by the signature
    const { alg, typ, kid } = goodHeader();
    assert.equal(await reasonOf(await forge({ kid, typ, alg })), 'accepted');
    assert.equal(await reasonOf(await forge(JSON.stringify(goodHeader(), null, 1))), 'accepted');
  });

  test('threat 22: no second text of a token is taken for it', async () => {
    const [header, body, signature] = good.split('.') as [string, string, string];
    const spare = (part: string): string => {
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      return `${part.slice(0, -1)}${alphabet[alphabet.indexOf(part.at(-1)!) + 1]}`;
    };
    for (const text of [
      ...[`${good}=`, `${good}==`, `${header}=.${body}.${signature}`, `${header}.${body}=.${signature}`],
      ...[` ${good}`, `${good} `, `${good}\n`, `${good}\r\n`, `\t${good}`, `${header} .${body}.${signature}`],
      ...[`${header}.${body}.\n${signature}`, `${header}.${body.slice(0, 4)} ${body.slice(4)}.${signature}`],
      // 64 bytes leave four spare bits in the last character
      `${header}.${body}.${spare(signature)}`,
      good.replaceAll('-', '+').replaceAll('_', '/').replace('.', '+.'),
      ...[
        `${good}.`,
        `.${good}`,
        `${good}.${signature}`,
        good.replaceAll('.', '..'),
        good.replaceAll('.', ','),
      ],
      ...[`${header}.${body}`, `${header}.${body}.`, '..', '.', '', header],
      JSON.stringify({ protected: header, payload: body, signature }),
    ]) {
      assert.equal(await reasonOf(text), 'jws_malformed', text.slice(0, 200));
    }
    assert.equal(await reasonOf(`${header}..${signature}`), 'jws_signature');
    assert.equal(await reasonOf(`.${body}.${signature}`), 'jws_header');
  });

  test('threat 22: a signature of another length, or of another text, is refused', async () => {
    const [header, body, signature] = good.split('.') as [string, string, string];
    const bytes = decodeBase64url(signature);
    assert.ok(bytes.ok);
    for (const length of [0, 1, 32, 63, 65, 96, 128]) {
      const other = new Uint8Array(length);
      other.set(bytes.value.subarray(0, Math.min(64, length)));
      assert.equal(
        await reasonOf(`${header}.${body}.${encodeBase64url(other)}`),
        'jws_malformed',
        `${length}`,
      );
    }
    for (const other of [new Uint8Array(64), new Uint8Array(64).fill(255)]) {
      assert.equal(await reasonOf(`${header}.${body}.${encodeBase64url(other)}`), 'jws_signature');
    }
    for (let i = 0; i < 64; i += 1) {
      const flipped: Uint8Array = Uint8Array.from(bytes.value);
      flipped[i] = bytes.value[i]! ^ (1 << (i % 8));
      assert.equal(
        await reasonOf(`${header}.${body}.${encodeBase64url(flipped)}`),
        'jws_signature',
        `byte ${i}`,
      );
    }
    const elsewhere = (await signJws('job', { ...payload, count: 8 }, signing)).split('.')[2]!;
    assert.equal(await reasonOf(`${header}.${body}.${elsewhere}`), 'jws_signature');
    const changed = encodeBase64url(JSON.stringify({ ...payload, count: 8 }));
    assert.equal(await reasonOf(`${header}.${changed}.${signature}`), 'jws_signature');
  });

  test('threat 22: no character of a token can be another one', async () => {
    const chars = 'Aa0-_.=+/ \n~'.split('');
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.constantFrom(...chars), async (at, char) => {
        fc.pre(good[at] !== char);
        assert.notEqual(await reasonOf(`${good.slice(0, at)}${char}${good.slice(at + 1)}`), 'accepted');
      }),
      { numRuns: 1000 },
    );
  });

  test('the key is the one of the header, and found or not', async () => {
    const other = await acceptKey((await generateKey()).signing.jwk);
    assert.ok(other.ok);
    assert.equal(await reasonOf(good, () => undefined), 'jws_key_unknown');
    // a finder that gives another key than was asked for is not believed
    assert.equal(await reasonOf(good, () => other.value), 'jws_key_unknown');
    assert.equal(await reasonOf(good, () => ({ ...other.value, kid: key.kid })), 'jws_signature');
    const asked: string[] = [];
    await reasonOf(good, (kid) => {
      asked.push(kid);
      return key;
    });
    assert.deepEqual(asked, [signing.kid]);
  });

  test('threat 7: the size is looked at before anything else', async () => {
    const text = await signJws('job', payload, signing);
    const at = await verifyJwsBytes('job', text, text.length, () => key);
    assert.equal(at.ok, true);
    const below = await verifyJwsBytes('job', text, text.length - 1, () => assert.fail('must not be asked'));
    assert.equal(below.ok ? 'accepted' : below.reason, 'jws_too_large');
    const huge = readJws('job', '.'.repeat(10_000_000), maxBytes);
    assert.equal(huge.ok ? 'accepted' : huge.reason, 'jws_too_large');
  });

  test('threat 18: the payload is strict JSON of its schema', async () => {
    for (const [body, reason] of [
      ['', 'json_malformed'],
      ['{', 'json_malformed'],
      ['{"home":"h","count":1,"count":2}', 'json_duplicate_key'],
      ['{"home":"h","count":1,"more":2}', 'jws_payload'],
      ['{"home":"h","count":1,"toString":2}', 'jws_payload'],
      ['{"home":"h","count":1,"constructor":2}', 'json_malformed'],
      ['{"home":"h"}', 'jws_payload'],
      ['{"home":"h","count":"1"}', 'jws_payload'],
      ['{"home":"h","count":1e400}', 'json_malformed'],
      ['[{"home":"h","count":1}]', 'jws_payload'],
      ['null', 'jws_payload'],
      [`{"home":"h","count":${'['.repeat(40)}${']'.repeat(40)}}`, 'json_too_deep'],
    ] as const) {
      assert.equal(await reasonOf(await forge(goodHeader(), body)), reason, body);
    }
  });

  test('threat 18: a payload is parsed only after it verified', async () => {
    const [header, , signature] = good.split('.');
    const text = `${header}.${encodeBase64url('{"a":1,"a":2}')}.${signature}`;
    assert.equal(await reasonOf(text), 'jws_signature');
  });

  test('what is wrong is told without the value', () => {
    const schema = v.strictObject({ secret: v.pipe(v.string(), v.maxLength(3)), count: v.number() });
    const detailOf = (text: string): string | undefined => {
      const result = parsePayload(text, schema, 100);
      return result.ok ? undefined : result.detail;
    };
    assert.equal(detailOf('{"secret":"canary","count":1}'), 'secret: Invalid length: Expected <=3');
    assert.equal(detailOf('{"secret":"abc","count":"canary"}'), 'count: expected number');
    assert.equal(detailOf('{"secret":"abc"}'), 'count is missing');
    assert.equal(detailOf('{"secret":"abc","count":1,"canary":"x"}'), 'canary is not a known member');
    assert.equal(detailOf('"canary"'), 'the document: expected Object');
    const issue = v.safeParse(v.picklist(['a', 'b']), 'canary').issues![0];
    assert.doesNotMatch(describeIssue(issue), /canary/);
  });
});

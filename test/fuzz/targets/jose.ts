import * as v from 'valibot';
import { decodeBase64url, encodeBase64url } from '../../../schema/jose/base64url.ts';
import { type JwsKind, parsePayload, readJws, signJws, verifyJwsBytes } from '../../../schema/jose/jws.ts';
import { acceptKey, generateKey, importSigningKey } from '../../../schema/jose/keys.ts';
import { parseStrictJson } from '../../../schema/jose/strict-json.ts';
import { ok } from '../../../schema/result.ts';
import { type Target, textOf } from '../target.ts';

const samples = [
  '{"a":[1,2.5,-3e2,true,false,null,"\\u00e4\\n\\"x"],"b":{"c":{}},"d":""}',
  '[[],{},[[[]]],"\\ud83d\\ude00"]',
  ' "text" ',
  '0',
];

const shape = v.strictObject({
  a: v.array(v.unknown()),
  b: v.record(v.string(), v.unknown()),
  d: v.string(),
});

const strictJson: Target = {
  name: 'strict-json',
  covers: ['schema/jose/strict-json.ts:parseStrictJson', 'schema/jose/jws.ts:parsePayload'],
  words: ['\\u0061', '\\ud800', '__proto__', 'null', 'true', '1e5'],
  corpus: () => samples,
  open: () => (input) => {
    parsePayload(input, shape, 60_000);
    const read = parseStrictJson(input, { maxBytes: 60_000 });
    if (!read.ok) return read;
    // What it takes, other parsers take alike.
    const text = textOf(input);
    if (JSON.stringify(JSON.parse(text)) !== JSON.stringify(read.value)) {
      throw new Error('JSON.parse reads another value');
    }
    const again = parseStrictJson(text, { maxBytes: 60_000 });
    if (!again.ok) throw new Error('as text it is refused');
    return ok(read.value);
  },
};

const kinds: readonly JwsKind[] = ['job', 'release', 'trust', 'token', 'time'];

const jws: Target = {
  name: 'jws',
  covers: [
    'schema/jose/jws.ts:readJws',
    'schema/jose/jws.ts:verifyJwsBytes',
    'schema/jose/base64url.ts:decodeBase64url',
  ],
  words: ['writ-job+jws', 'writ-release+jws', 'Ed25519', '"jwk":{}', '"crit":["b64"]', '"alg":"none"'],
  async corpus() {
    const { signing } = await generateKey();
    const texts = await Promise.all(kinds.map((kind) => signJws(kind, { a: 1 }, signing)));
    return [...texts, `{"alg":"Ed25519","typ":"writ-job+jws","kid":"${signing.kid}"}`];
  },
  async open() {
    const { signing } = await generateKey();
    const key = await acceptKey(signing.jwk);
    if (!key.ok) throw new Error(key.reason);
    return async (input) => {
      const text = textOf(input);
      const decoded = decodeBase64url(text);
      if (decoded.ok && encodeBase64url(decoded.value) !== text)
        throw new Error('two texts for the same bytes');
      // Of a header as it stands, with a signature of the right form.
      const made = `${encodeBase64url(input)}.${encodeBase64url('{}')}.${encodeBase64url(new Uint8Array(64))}`;
      for (const kind of kinds) {
        for (const one of [text, made]) {
          const read = readJws(kind, one, 60_000);
          const verified = await verifyJwsBytes(kind, one, 60_000, () => key.value);
          if (verified.ok) throw new Error('a signature that nobody made verifies');
          if (read.ok && verified.reason !== 'jws_signature' && verified.reason !== 'jws_key_unknown') {
            throw new Error(`it can be read, and then not: ${verified.reason}`);
          }
        }
      }
      return readJws('job', text, 60_000);
    };
  },
};

const keys: Target = {
  name: 'keys',
  covers: ['schema/jose/keys.ts:acceptKey', 'schema/jose/keys.ts:importSigningKey'],
  maxBytes: 2_000,
  async corpus() {
    const made = await generateKey();
    const weak = Buffer.alloc(32);
    weak[0] = 1;
    return [
      JSON.stringify(made.signing.jwk),
      JSON.stringify(made.secret),
      JSON.stringify({ ...made.signing.jwk, x: weak.toString('base64url') }),
    ];
  },
  open: () => async (input) => {
    const json = parseStrictJson(input, { maxBytes: 2_000 });
    if (!json.ok) return json;
    const imported = await importSigningKey(json.value);
    if (imported.ok) await imported.value.sign(new Uint8Array(8));
    return acceptKey(json.value);
  },
};

export const joseTargets: readonly Target[] = [strictJson, jws, keys];

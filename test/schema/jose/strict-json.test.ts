import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type JsonRefusal, parseStrictJson } from '../../../schema/jose/strict-json.ts';

const roomy = { maxBytes: 32 * 1024 * 1024 };
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const reasonOf = (input: string | Uint8Array, limits = roomy): JsonRefusal | 'accepted' => {
  const result = parseStrictJson(input, limits);
  return result.ok ? 'accepted' : result.reason;
};

/** Keys that no parser of this project takes; see the refusals below. */
const forbidden = new Set(['__proto__', 'constructor', 'prototype']);
const hasForbiddenKey = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (Object.keys(value).some((key) => forbidden.has(key)) || Object.values(value).some(hasForbiddenKey));
const jsonValue = fc.jsonValue({ maxDepth: 5 }).filter((value) => !hasForbiddenKey(value));

describe('strict JSON', () => {
  test('reads what JSON.parse reads, from text and from bytes', () => {
    fc.assert(
      fc.property(jsonValue, fc.constantFrom(0, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        if (!text.isWellFormed()) return;
        for (const input of [text, bytesOf(text)]) {
          const parsed = parseStrictJson(input, roomy);
          assert.deepEqual(parsed.ok && parsed.value, JSON.parse(text));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('accepts nothing that JSON.parse refuses', () => {
    const pieces = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ':',
        ',',
        '"',
        '"a"',
        '"b"',
        '1',
        '-',
        '0',
        '.',
        'e',
        '+',
        ' ',
        '\n',
        '\\',
        'u0041',
      ],
      ...['true', 'false', 'null', '\u00a0', '\ufeff', '\u0000', '//', "'"],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        if (reasonOf(text) !== 'accepted') return;
        assert.doesNotThrow(() => JSON.parse(text), text);
      }),
      { numRuns: 5000 },
    );
  });

  for (const text of [
    ...[
      '',
      ' ',
      '{',
      '[',
      '"',
      '{"a"',
      '{"a":',
      '{"a":1',
      '[1',
      '[1,]',
      '{"a":1,}',
      '[,1]',
      '{,}',
      '{"a" 1}',
    ],
    ...[
      '1 2',
      '{} {}',
      'undefined',
      'NaN',
      'Infinity',
      '-Infinity',
      'nul',
      'True',
      "'a'",
      '{a:1}',
      '/**/1',
      '1//',
    ],
    ...['01', '-', '-01', '+1', '.5', '1.', '1e', '1e+', '0x10', '1_000', '--1', '1e1.5'],
    ...[
      '"\t"',
      '"\n"',
      '"\u0000"',
      '"\\a"',
      '"\\u12"',
      '"\\u{41}"',
      '"\\x41"',
      '\u00a01',
      '\ufeff{}',
      '\u2028[]',
    ],
  ]) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(reasonOf(text), 'json_malformed');
      assert.equal(reasonOf(bytesOf(text)), 'json_malformed');
    });
  }

  test('threat 18: a key that stands twice is refused, however it is written', () => {
    for (const text of [
      '{"a":1,"a":1}',
      '{"a":1,"\\u0061":2}',
      '{"\\u0061":1,"a":2}',
      '{"a/b":1,"a\\/b":2}',
      '{"":1,"":2}',
      '[{"x":{"a":1,"b":2,"a":3}}]',
      '{"\\ud83d\\ude00":1,"😀":2}',
      '{"toString":1,"toString":2}',
    ]) {
      assert.equal(reasonOf(text), 'json_duplicate_key', text);
    }
    assert.equal(reasonOf('{"a":{"a":1},"b":{"a":1},"A":1}'), 'accepted');
  });

  test('threat 18: keys that objects or validators treat apart are refused', () => {
    for (const key of ['__proto__', '\\u005f_proto__', 'constructor', 'prototype', 'c\\u006fnstructor']) {
      assert.equal(reasonOf(`{"${key}":{"admin":true}}`), 'json_malformed', key);
      assert.equal(reasonOf(`{"a":[{"${key}":1}]}`), 'json_malformed', key);
    }
    const parsed = parseStrictJson('{"toString":1,"hasOwnProperty":2}', roomy);
    assert.deepEqual(parsed, { ok: true, value: { toString: 1, hasOwnProperty: 2 } });
    // as values they are texts like any other
    assert.equal(reasonOf('["__proto__","constructor"]'), 'accepted');
  });

  test('lone surrogates are refused, pairs are not', () => {
    for (const text of [
      '"\\ud800"',
      '"\\udc00"',
      '"\\ud800x"',
      '"\\udc00\\ud800"',
      '{"\\ud800":1}',
      '"\ud800"',
      '"a\udfff"',
    ]) {
      assert.equal(reasonOf(text), 'json_malformed', JSON.stringify(text));
    }
    assert.deepEqual(parseStrictJson('"\\ud83d\\ude00😀"', roomy), { ok: true, value: '😀😀' });
  });

  test('numbers keep to what a double holds', () => {
    for (const text of ['1e400', '-1e400', '1e309', `1${'0'.repeat(400)}`]) {
      assert.equal(reasonOf(text), 'json_malformed', text.slice(0, 20));
    }
    assert.deepEqual(parseStrictJson('1.7976931348623157e308', roomy), { ok: true, value: Number.MAX_VALUE });
    const zero = parseStrictJson('-0', roomy);
    assert.ok(zero.ok && Object.is(zero.value, -0));
  });

  test('bytes that are no UTF-8 are refused', () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0x80, 0x22], // an overlong NUL
      [0x22, 0xed, 0xa0, 0x80, 0x22], // a surrogate
      [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22], // beyond U+10FFFF
      [0x22, 0xe2, 0x82], // cut off
    ]) {
      assert.equal(reasonOf(Uint8Array.from(bytes)), 'json_not_utf8');
    }
    assert.equal(reasonOf(Uint8Array.from([0xef, 0xbb, 0xbf, 0x31])), 'json_malformed', 'a byte order mark');
    assert.equal(reasonOf(Uint8Array.from([0xff, 0xfe, 0x31, 0x00])), 'json_not_utf8', 'UTF-16');
  });

  test('threat 7: the limit on bytes holds to the byte, before anything is read', () => {
    const text = '{"a":"ü"}'; // 10 bytes, 9 characters
    assert.equal(reasonOf(bytesOf(text), { maxBytes: 10 }), 'accepted');
    assert.equal(reasonOf(bytesOf(text), { maxBytes: 9 }), 'json_too_large');
    assert.equal(reasonOf(text, { maxBytes: 10 }), 'accepted');
    assert.equal(reasonOf(text, { maxBytes: 9 }), 'json_too_large');
    assert.equal(reasonOf(Uint8Array.from([0xff, 0xff]), { maxBytes: 1 }), 'json_too_large');
  });

  test('threat 7: the limit on depth holds to the level', () => {
    const nested = (levels: number): string => `${'['.repeat(levels - 1)}1${']'.repeat(levels - 1)}`;
    const limits = { ...roomy, maxDepth: 4 };
    assert.equal(reasonOf(nested(4), limits), 'accepted');
    assert.equal(reasonOf(nested(5), limits), 'json_too_deep');
    assert.equal(reasonOf('{"a":{"a":{"a":1}}}', limits), 'accepted');
    assert.equal(reasonOf('{"a":{"a":{"a":{}}}}', limits), 'accepted');
    assert.equal(reasonOf('{"a":{"a":{"a":{"a":1}}}}', limits), 'json_too_deep');
    assert.equal(reasonOf(nested(32)), 'accepted');
    assert.equal(reasonOf('['.repeat(1_000_000)), 'json_too_deep');
    assert.equal(reasonOf('{"a":'.repeat(1_000_000)), 'json_too_deep');
  });

  test('threat 7: no text of the largest size is slow, or more than the stack holds', () => {
    const size = 8 * 1024 * 1024;
    const started = process.cpuUsage();
    for (const [text, reason] of [
      [`"${'\\n'.repeat(size / 2)}"`, 'accepted'],
      [`"${'\\u0041'.repeat(size / 6)}"`, 'accepted'],
      [`"${'\\n'.repeat(size / 2)}`, 'json_malformed'],
      [`"${'a'.repeat(size)}`, 'json_malformed'],
      ['1'.repeat(size), 'json_malformed'],
      [`${' '.repeat(size)}1`, 'accepted'],
      [`[${'1,'.repeat(size / 4)}1]`, 'accepted'],
      [`"${'\ud800'.repeat(size / 4)}"`, 'json_malformed'],
    ] as const) {
      assert.equal(reasonOf(text), reason, text.slice(0, 10));
    }
    // Of the processor alone: other programs may keep it from this one.
    assert.ok(process.cpuUsage(started).user < 20_000_000);
  });
});

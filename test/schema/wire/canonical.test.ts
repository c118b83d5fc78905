import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, sameJson } from '../../../schema/wire/canonical.ts';

const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'binary' }), tie('value'), { maxKeys: 4 }),
  ),
})).value;

/** The same value with the members of each object in another order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, turned(member)]),
  );
}

test('canonical JSON is JSON of the same value, whatever the order of its members', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalJson(value);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
      assert.equal(text, canonicalJson(turned(value)));
    }),
  );
});

test('members stand in the order of code units, without those that are undefined', () => {
  const value = { b: 1, a: [], 10: 'x', 9: { y: undefined, '\ue000': 1, '\u{1f600}': 2 }, B: null };
  assert.equal(canonicalJson(value), '{"10":"x","9":{"\u{1f600}":2,"\ue000":1},"B":null,"a":[],"b":1}');
});

test('what has an escape in JSON has the one that JSON.stringify writes', () => {
  for (const text of ['"', '\\', '\n', '\u0000', '\u001f', '\u007f', '\u2028', '\ud800', 'a\udc00b', 'é'])
    assert.equal(canonicalJson({ [text]: text }), `{${JSON.stringify(text)}:${JSON.stringify(text)}}`);
});

test('numbers that somebody may print otherwise have no canonical form, nor has what JSON lacks', () => {
  for (const value of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
    assert.throws(() => canonicalJson([value]));
  for (const value of [undefined, () => 0, 1n, Symbol('a')]) assert.throws(() => canonicalJson([value]));
  assert.equal(canonicalJson(-0), '0');
});

test('two values are the same where their canonical forms are', () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      assert.equal(sameJson(a, b), canonicalJson(a) === canonicalJson(b));
      assert.equal(sameJson(a, turned(a)), true);
      assert.equal(sameJson({ a, b }, { b, a }), true);
      assert.equal(sameJson([a, b], [b, a]), canonicalJson(a) === canonicalJson(b));
    }),
  );
});

test('an undefined member is none, and nothing is taken from a prototype', () => {
  assert.equal(sameJson({ a: 1, b: undefined }, { a: 1 }), true);
  assert.equal(sameJson({ a: 1 }, { a: 1, b: undefined }), true);
  assert.equal(sameJson({ a: 1 }, { a: 1, b: null }), false);
  assert.equal(sameJson({ toString: undefined, a: 1 }, { a: 1 }), true);
  assert.equal(sameJson({ constructor: Object }, {}), false);
  assert.equal(sameJson([], {}), false);
  assert.equal(sameJson([1], [1, 2]), false);
  assert.equal(sameJson(null, {}), false);
});

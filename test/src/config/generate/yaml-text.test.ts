import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { yamlText } from '../../../../src/config/generate/shared/yaml-text.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    'yes',
    'off',
    '0x1f',
    '1:30',
    '~',
    'null',
    "it's",
    '- a',
    '# a',
    'a: b',
    'a\nb',
    '\ufeffa',
    '<<',
  ),
);
const tree = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    text,
    fc.constantFrom(null, true, false, 0.5, 1e300, -7, Number.POSITIVE_INFINITY),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(text, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));

test('what is written is read again as it was, by readers of YAML 1.2 and of 1.1', () => {
  fc.assert(
    fc.property(fc.dictionary(text, tree.value, { noNullPrototype: true }), (given) => {
      const written = yamlText(given);
      assert.deepEqual(parse(written, { uniqueKeys: true }), given);
      assert.deepEqual(parse(written, { version: '1.1' }), given);
    }),
    { numRuns: 500 },
  );
});

test('a list is written as one, an empty one too', () => {
  fc.assert(
    fc.property(fc.array(tree.value, { maxLength: 4 }), (given) => {
      assert.deepEqual(parse(yamlText(given), { uniqueKeys: true }), given);
    }),
    { numRuns: 200 },
  );
  assert.equal(yamlText([]), '[]\n');
});

test('what is no plain text is written as the writer for any document writes it', () => {
  const plain = fc.stringMatching(/^[a-z][a-z0-9 .:'#-]{0,20}[a-z]$/);
  const simple = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      plain,
      fc.constantFrom(null, true, false, 0.5, -7),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.stringMatching(/^[a-z]{3}[a-zA-Z_.-]{0,9}$/), tie('value'), { maxKeys: 3 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('http', 'tcp', 'tls'), simple.value), (given) => {
      const options = {
        lineWidth: 0,
        defaultStringType: 'QUOTE_SINGLE',
        defaultKeyType: 'PLAIN',
        aliasDuplicateObjects: false,
      } as const;
      assert.equal(yamlText(given), stringify(given, options));
    }),
  );
});

test('members that are undefined are left out, and readers of 1.1 get no truth for a name', () => {
  assert.equal(
    yamlText({ a: { b: undefined }, on: undefined, c: [{ d: [], e: {} }, [['f']]], off: 'no' }),
    "a: {}\nc:\n  - d: []\n    e: {}\n  - - - 'f'\n'off': 'no'\n",
  );
  assert.equal(yamlText({}), '{}\n');
});

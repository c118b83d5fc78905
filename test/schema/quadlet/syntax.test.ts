import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addValue, assignmentsOf, removeKey, setValue } from '../../../schema/quadlet/edit.ts';
import { type Dialect, parseUnit, placeIn, printUnit } from '../../../schema/quadlet/syntax.ts';
import { quoteWord, splitWords } from '../../../schema/quadlet/words.ts';

const dialects = ['quadlet', 'systemd'] as const;

/** Text that looks like a unit, with what makes one hard to read. */
const unitLike = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '[Container]',
        '[Service]',
        '[',
        ']',
        '[]',
        '=',
        '\\',
        '\\\\',
        '#',
        ';',
        '"',
        "'",
        '%',
        ' ',
      ),
      fc.constantFrom(
        '\n',
        '\r\n',
        '\r',
        '\t',
        '\0',
        '\ufeff',
        '\u00a0',
        '\u0085',
        '\\\n',
        '\\\r\n',
        '\\ \n',
      ),
      fc.constantFrom(
        'Image=a',
        'Exec=a \\\n  b',
        'Key',
        'Environment=A=b "C=d e"',
        '# a comment \\\n',
        '\n\n',
      ),
      fc.string({ maxLength: 8 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''));

test('parse and print give any text back, byte for byte', () => {
  for (const dialect of dialects) {
    fc.assert(
      fc.property(fc.oneof(unitLike, fc.string({ unit: 'binary' })), (text) => {
        assert.equal(printUnit(parseUnit(text, dialect)), text);
      }),
      { numRuns: 3000 },
    );
  }
});

test('each character of a value is found where it stands', () => {
  fc.assert(
    fc.property(unitLike, fc.constantFrom<Dialect>(...dialects), (text, dialect) => {
      const lines = text.split('\n');
      for (const node of parseUnit(text, dialect).nodes) {
        if (node.kind !== 'assignment') continue;
        for (const [offset, character] of [...node.value].length === node.value.length
          ? [...node.value].entries()
          : []) {
          const { line, column } = placeIn(node, offset);
          const there = lines[line - 1]![column - 1];
          // systemd reads the backslash that joins two lines as a space.
          assert.ok(there === character || (dialect === 'systemd' && there === '\\' && character === ' '));
        }
      }
    }),
    { numRuns: 3000 },
  );
});

const value = fc
  .string({ maxLength: 12 })
  .filter((text) => !/[\n\r\0]|^\s|\s$|\\$/.test(text) && !/^[\u0085]|[\u0085]$/.test(text));

test('an edit changes the value that it names and no other byte', () => {
  fc.assert(
    fc.property(unitLike, value, fc.constantFrom<Dialect>(...dialects), (text, given, dialect) => {
      const unit = parseUnit(text, dialect);
      const set = setValue(unit, 'Container', 'Image', given);
      if (!set.ok) {
        assert.equal(set.reason, 'open_end');
        return;
      }
      const after = assignmentsOf(set.value, 'Container').filter(({ key }) => key === 'Image');
      assert.equal(after.at(-1)!.value, given);
      const last = assignmentsOf(unit, 'Container').findLast(({ key }) => key === 'Image');
      const rest = unit.nodes.filter((node) => node !== last).map(({ raw }) => raw);
      let at = 0;
      const printed = printUnit(set.value);
      for (const raw of rest) {
        at = printed.indexOf(raw, at);
        assert.ok(at >= 0);
        at += raw.length;
      }
    }),
    { numRuns: 3000 },
  );
});

test('editing keeps comments, order, spacing and line ends', () => {
  const text =
    '# top\r\n[Container]\r\nImage = a:1\r\n# why\r\nVolume=x:/x \\\r\n  # inside\r\n  # more\r\n\r\n[Install]\r\n';
  const unit = parseUnit(text, 'quadlet');
  const set = setValue(unit, 'Container', 'Image', 'b:2');
  assert.ok(set.ok);
  assert.equal(printUnit(set.value), text.replace('a:1', 'b:2'));
  const added = addValue(unit, 'Container', 'Secret', 's');
  assert.ok(!added.ok || assignmentsOf(added.value, 'Container').length === 3);
  const fresh = addValue(parseUnit('[Unit]\nA=b', 'quadlet'), 'Container', 'Image', 'x');
  assert.ok(fresh.ok);
  assert.equal(printUnit(fresh.value), '[Unit]\nA=b\n\n[Container]\nImage=x\n');
  const removed = removeKey(
    parseUnit('[Container]\nA=1\n# c\nA=2 \\\n  3\nB=4\n', 'quadlet'),
    'Container',
    'A',
  );
  assert.equal(printUnit(removed), '[Container]\n# c\nB=4\n');
  for (const bad of ['a\nb', ' a', 'a\\', 'a\0']) {
    const refused = setValue(unit, 'Container', 'Image', bad);
    assert.equal(refused.ok ? '' : refused.reason, 'bad_value');
  }
  assert.ok(!setValue(unit, 'Con tainer', 'Image', 'x').ok);
  assert.ok(!setValue(unit, 'Container', 'Im=age', 'x').ok);
});

test('the two programs differ in where a value ends', () => {
  const read = (text: string, dialect: Dialect) =>
    assignmentsOf(parseUnit(text, dialect), 'Service').map(({ key, value: text }) => `${key}=${text}`);
  const joined = '[Service]\nA=a \\\n  b\\\n# c\nc\nB=d\n';
  assert.deepEqual(read(joined, 'quadlet'), ['A=a bc', 'B=d']);
  assert.deepEqual(read(joined, 'systemd'), ['A=a  b c', 'B=d']);
  const blank = '[Service]\nA=a \\\n\nB=d\n';
  assert.deepEqual(read(blank, 'quadlet'), ['A=a B=d']);
  assert.deepEqual(read(blank, 'systemd'), ['A=a', 'B=d']);
  const even = '[Service]\nA=a\\\\\nB=d\n';
  assert.deepEqual(read(even, 'quadlet'), ['A=a\\B=d']);
  assert.deepEqual(read(even, 'systemd'), ['A=a\\\\', 'B=d']);
  const lost = '[Service]\nA=a \\\n# the end\n';
  assert.deepEqual(read(lost, 'quadlet'), []);
  assert.deepEqual(read(lost, 'systemd'), ['A=a']);
});

test('words are split as Quadlet splits them', () => {
  const words = (text: string, how: 'arguments' | 'list' = 'arguments') =>
    splitWords(text, how).words.map((word) => word.text);
  assert.deepEqual(words(`A=b "C=d e" F='g "h"' i\\x41\\101\\u00e9`), ['A=b', 'C=d e', 'F=g "h"', 'iAAé']);
  assert.deepEqual(words('a "" b'), ['a']);
  assert.equal(splitWords('a "" b', 'arguments').cutAt, 2);
  assert.deepEqual(splitWords('a \\d b', 'arguments').failed, { why: 'escape', offset: 2 });
  assert.deepEqual(
    splitWords('a \\d "b c"', 'list').words.map(({ text }) => text),
    ['a', '\\d', 'b c'],
  );
  assert.equal(splitWords('a "b c', 'arguments').openQuote, 2);
  assert.deepEqual(splitWords('a "b c', 'list').failed, { why: 'quote', offset: 2 });
  assert.deepEqual(words('a\\'), ['a']);
});

test('quoted words are read back', () => {
  const word = fc
    .string({ minLength: 1, maxLength: 10, unit: 'binary' })
    .filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), (given) => {
      const value = given.map(quoteWord).join(' ');
      assert.ok(!/[\n\r\0]/.test(value));
      assert.deepEqual(
        splitWords(value, 'arguments').words.map(({ text }) => text),
        given,
      );
    }),
    { numRuns: 2000 },
  );
});

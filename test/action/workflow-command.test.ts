import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { annotation, logText, markdownBlock, maskCommand } from '../../action/runner/workflow-command.ts';
import { commandsIn } from '../support/action-runner.ts';

/** Texts as somebody writes them who wants to speak to the runner. */
const hostileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '::',
        '##[',
        ']',
        '::error::',
        '##[error]',
        '\n',
        '\r',
        '\r\n',
        '%0A',
        '%25',
        ',',
        ':',
        '```',
      ),
      fc.string({ maxLength: 6, unit: 'binary' }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

test('threat 21: no text in the log is a command', () => {
  fc.assert(fc.property(hostileText, (text) => assert.deepEqual(commandsIn(logText(text)), [])));
});

test('threat 21: an annotation is one command, whatever its texts are', () => {
  fc.assert(
    fc.property(hostileText, hostileText, hostileText, (message, title, file) => {
      const found = commandsIn(annotation('error', message, { title, place: { file, line: 3, column: 4 } }));
      assert.equal(found.length, 1);
      assert.equal(found[0]!.name, 'error');
      assert.deepEqual(Object.keys(found[0]!.properties).sort(), ['col', 'file', 'line', 'title']);
      assert.deepEqual([found[0]!.properties.line, found[0]!.properties.col], ['3', '4']);
      assert.deepEqual(commandsIn(found[0]!.data), []);
    }),
  );
});

test('an annotation says what it was given: percent signs, lines, commas and colons come back', () => {
  const [found] = commandsIn(
    annotation('warning', '50 % of a,b: c\nd', { title: 'a, b: 100%', place: { file: 'apps/a/app.yaml' } }),
  );
  assert.equal(found!.data, '50 % of a,b: c\nd');
  assert.deepEqual(found!.properties, { file: 'apps/a/app.yaml', title: 'a, b: 100%' });
  assert.equal(annotation('notice', 'Hello'), '::notice::Hello');
});

test('a mask holds its secret alone', () => {
  assert.deepEqual(
    commandsIn(maskCommand('a\n::error::b')).map(({ name }) => name),
    ['add-mask'],
  );
});

test('threat 21: text in a summary cannot end its block', () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      const lines = markdownBlock(text).split('\n');
      const fence = lines.at(-1)!;
      assert.match(fence, /^`{3,}$/);
      assert.ok(lines.slice(1, -1).every((line) => !line.trimStart().startsWith(fence)));
    }),
  );
});

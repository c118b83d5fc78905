import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sectionOf, shellLines } from '../support/doc-lines.ts';

const page = `# Title

\`\`\`sh
first   # a comment
\`\`\`

## One

\`\`\`sh
# only a comment
second --long \\
  --option

\`\`\`

\`\`\`yaml
no: shell
\`\`\`

### Deeper

\`\`\`sh
third 'a # b'x
\`\`\`

## Two

\`\`\`sh
fourth
\`\`\`
`;

test('a reader types the lines of sh blocks, without comments, with continuations joined', () => {
  assert.deepEqual(
    shellLines(page),
    ['first', 'second --long --option', "third 'a # b'x", 'fourth'].map(strip),
  );
  assert.deepEqual(shellLines(page, 'One'), ['second --long --option', "third 'a # b'x"].map(strip));
  assert.deepEqual(shellLines(page, 'Deeper'), ["third 'a # b'x"].map(strip));
});

// A # inside quotes ends the line as well: no line of a document may need one.
const strip = (line: string): string => line.replace(/\s+#\s.*$/, '');

test('a heading that is not there is a fault of the test', () => {
  assert.throws(() => sectionOf(page, 'Three'), /no heading "Three"/);
});

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are sources to be read

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scan } from './scan.ts';

const specifiersOf = (text: string): string[] => scan('a.ts', text).imports.map(({ specifier }) => specifier);

test('finds every form of import', () => {
  const text = [
    "import a from 'one';",
    "import { b,\n  c } from './two.ts';",
    "import type { D } from './three.ts';",
    "import * as e from 'four';",
    "import './five.ts';",
    "export { f } from './six.ts';",
    "export * from './seven.ts';",
    "const g = await import('./eight.ts');",
    "const h = require('nine');",
    'const i = await import(`./ten.ts`);',
  ].join('\n');
  assert.deepEqual(
    new Set(specifiersOf(text)),
    new Set([
      'one',
      './two.ts',
      './three.ts',
      'four',
      './five.ts',
      './six.ts',
      './seven.ts',
      './eight.ts',
      'nine',
      './ten.ts',
    ]),
  );
});

test('knows types from values, and what is passed on', () => {
  const { imports } = scan(
    'a.ts',
    "import type { A } from 'a';\nimport { type B } from 'b';\nimport type from 'c';\nexport type { D } from 'd';",
  );
  assert.deepEqual(
    imports.map(({ specifier, line, typeOnly, passedOn }) => ({ specifier, line, typeOnly, passedOn })),
    [
      { specifier: 'a', line: 1, typeOnly: true, passedOn: false },
      { specifier: 'b', line: 2, typeOnly: false, passedOn: false },
      { specifier: 'c', line: 3, typeOnly: false, passedOn: false },
      { specifier: 'd', line: 4, typeOnly: true, passedOn: true },
    ],
  );
});

test('is not led astray by comments, texts and regular expressions', () => {
  const text = [
    "// import 'comment';",
    "/* import 'block'; */",
    'const a = "import \'text\'";',
    'const b = `import \'template\' ${`inner ${1} import "x"`} import "y"`;',
    "const c = /import 'pattern'[/'\"]/.test(x);",
    "const d = 4 / 2; import './seen.ts'; const e = 6 / 3;",
    "const f = 'it\\'s'; import './also-seen.ts';",
    'const g = `${x}`; import "./seen-too.ts";',
  ].join('\n');
  assert.deepEqual(specifiersOf(text), ['./seen.ts', './also-seen.ts', './seen-too.ts']);
});

test('goes on after an apostrophe in the text of a page', () => {
  assert.deepEqual(specifiersOf("const a = <p>don't</p>;\nimport './seen.ts';"), ['./seen.ts']);
});

test('counts lines as an editor does', () => {
  assert.equal(scan('a.ts', 'a\nb\n').lines, 2);
  assert.equal(scan('a.ts', 'a\nb').lines, 2);
});

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The paths that a document names in backticks or on a command line: with a slash, or a file at the root. */
function pathsIn(text: string): string[] {
  const words = [...text.matchAll(/`([^`\n]+)`/g)].flatMap(([, code]) => code!.split(/\s+/));
  const places = /^(schema|src|edge|relay|test|examples|docs|\.ci)\/|^[A-Z]+\.md$/;
  return words.map((word) => word.replace(/[,.:;]+$/, '')).filter((word) => places.test(word));
}

for (const document of ['CONTRIBUTING.md', 'docs/adding-an-action.md']) {
  describe(document, () => {
    test('names only files that exist', () => {
      const paths = pathsIn(read(document));
      assert.ok(paths.length > 3);
      for (const path of paths) assert.ok(existsSync(join(root, path)), path);
    });

    test('names only scripts that exist', () => {
      const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
      const named = [...read(document).matchAll(/\bnpm run ([a-z:-]+)/g)].map(([, script]) => script!);
      for (const script of named) assert.ok(Object.hasOwn(scripts, script), script);
    });
  });
}

test('the code in docs/adding-an-action.md is the code of the files it names', () => {
  const blocks = [...read('docs/adding-an-action.md').matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)];
  assert.equal(blocks.length, 2);
  for (const [, path, code] of blocks) assert.equal(code, read(path!), path);
});

test('every script of package.json is explained in CONTRIBUTING.md', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const text = read('CONTRIBUTING.md');
  for (const script of Object.keys(scripts)) {
    assert.ok(text.includes(script === 'test' ? '`npm test`' : `\`npm run ${script}\``), script);
  }
});

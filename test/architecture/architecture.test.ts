import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { test } from 'node:test';
import { rules } from './rules.ts';
import { scan } from './scan.ts';

const root = join(import.meta.dirname, '..', '..');
const sources = globSync('{schema,src,edge,relay,action,test,examples}/**/*.{ts,tsx}', { cwd: root })
  .map((path) => path.split(sep).join('/'))
  .filter((path) => !path.includes('node_modules/'))
  .sort()
  .map((path) => scan(path, readFileSync(join(root, path), 'utf8')));

test('the sources were found', () => {
  assert.ok(sources.some(({ path }) => path === 'schema/result.ts'));
  assert.ok(sources.some(({ imports }) => imports.length > 3));
});

for (const rule of rules) {
  test(rule.name, () => {
    const breaches = rule.find(sources).map(({ path, line, what }) => `  ${path}:${line}: ${what}`);
    assert.ok(breaches.length === 0, `${rule.why}\n${breaches.join('\n')}`);
  });
}

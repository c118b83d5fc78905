import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commands } from '../../src/cli/commands.ts';
import { maxWitnesses } from '../../src/cli/witness/read.ts';
import { shellLines } from '../support/doc-lines.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/audit.md'), 'utf8');

test('the page names every code of the comparison, and its caps', () => {
  const files = globSync('src/cli/witness/*.ts', { cwd: root });
  const text = files.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
  const codes = [...text.matchAll(/'((?:audit|chain|witnesses)_[a-z_]+)'/g)].map(([, code]) => code!);
  assert.ok(new Set(codes).size >= 7, String(new Set(codes).size));
  for (const code of codes) assert.ok(page.includes(`\`${code}\``), code);
  assert.ok(page.includes(`${maxWitnesses} witnesses`));
});

test('its lines are commands with options that there are', () => {
  const lines = shellLines(page)
    .map((line) => line.split(' '))
    .filter(([first]) => first === 'writ');
  assert.ok(lines.length >= 5);
  for (const [, one, two, ...rest] of lines) {
    const command = commands.find(({ name }) => name === `${one} ${two}`);
    assert.ok(command, `${one} ${two}`);
    for (const word of rest.filter((word) => word.startsWith('--'))) {
      assert.ok(Object.hasOwn(command.options, word.slice(2)), word);
    }
  }
});

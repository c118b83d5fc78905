import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { threats } from '../support/threats.ts';

const root = join(import.meta.dirname, '..', '..');
const begin = '<!-- threats:begin -->';
const end = '<!-- threats:end -->';

function filesByThreat(): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const entry of readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.test.ts')) continue;
    const text = readFileSync(join(root, 'test', entry), 'utf8');
    const numbers = new Set([...text.matchAll(/['`]threat (\d+): /g)].map(([, number]) => Number(number)));
    for (const number of numbers) found.set(number, [...(found.get(number) ?? []), `test/${entry}`]);
  }
  // One test runs every attack of the thief who has the control plane; each names the threat that it belongs to.
  const folder = join(root, 'test', 'attack', 'attacks');
  const attacked = new Set(
    readdirSync(folder).map((file) =>
      Number(/^ {2}threat: (\d+),$/m.exec(readFileSync(join(folder, file), 'utf8'))?.[1]),
    ),
  );
  for (const number of attacked) {
    const names = new Set([...(found.get(number) ?? []), 'test/attack/attack.test.ts']);
    found.set(number, [...names]);
  }
  return found;
}

function table(): string {
  const files = filesByThreat();
  const rows = Object.entries(threats).map(([number, title]) => {
    const names = (files.get(Number(number)) ?? []).sort().map((name) => `\`${name}\``);
    return `| ${number} | ${title} | ${names.join('<br>')} |`;
  });
  return ['| # | threat | tests |', '| --- | --- | --- |', ...rows].join('\n');
}

test('every threat that is claimed to be withstood has a test of that title', () => {
  const files = filesByThreat();
  for (const number of Object.keys(threats)) assert.ok(files.has(Number(number)), `threat ${number}`);
});

test('the table of SECURITY.md names the tests that there are', () => {
  const path = join(root, 'SECURITY.md');
  const text = readFileSync(path, 'utf8');
  const [head, rest] = text.split(begin) as [string, string];
  const tail = rest.split(end)[1]!;
  const written = `${head}${begin}\n${table()}\n${end}${tail}`;
  // WRIT_WRITE_DOCS=1 brings the document up to date.
  if (process.env.WRIT_WRITE_DOCS === '1') writeFileSync(path, written);
  else assert.equal(text, written, 'run WRIT_WRITE_DOCS=1 node --test test/docs/security.test.ts');
});

test('each promise of SECURITY.md names the tests that show it, and every test that the document names exists', () => {
  const text = readFileSync(join(root, 'SECURITY.md'), 'utf8');
  const promises = text.split('## What is promised')[1]!.split('\n## ')[0]!;
  const shown = promises.split(/^\d+\. /m).slice(1);
  assert.ok(shown.length >= 13);
  for (const promise of shown) assert.match(promise, /Shown by `test\/[^`]+\.test\.ts`/, promise);
  for (const [, file] of text.matchAll(/`(test\/[^`]+\.test\.ts)`/g))
    assert.ok(existsSync(join(root, file!)), file);
});

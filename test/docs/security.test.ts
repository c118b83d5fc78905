import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const begin = '<!-- threats:begin -->';
const end = '<!-- threats:end -->';

/** The threats that have a test, in a word; what is not here is not withstood yet. */
const threats: Readonly<Record<number, string>> = {
  1: 'the controller is taken and orders what it likes',
  2: 'trust that is missing, broken or expired',
  3: 'rollback of trust, of state and of releases',
  4: 'replay across time',
  5: 'freeze: heartbeats or revocations withheld',
  6: 'mix-and-match: another home, kind or authority',
  7: 'endless or slow data',
  8: 'wrong target',
  9: 'plans reordered, steps skipped, receipts forged, parts delivered in pieces',
  10: 'replay and double execution',
  11: 'compromise of a root',
  12: 'a clock turned back or jumped ahead',
  13: 'audit log rewritten or forked',
  14: 'no durable journal',
  15: 'a route without authorisation',
  16: 'command injection',
  17: 'missing object check',
  18: 'parsers disagree',
  19: 'smuggling through HAProxy',
  20: 'secrets in logs',
  22: 'token abuse',
  24: 'weak keys',
  25: 'phone token guessed, leaked, in a URL',
  26: 'power abuse',
  27: 'the control plane cuts off its own path',
  29: 'home-only names through the public VM',
  30: 'secrets encrypted to the thief',
  31: 'a release that rewrites its judge',
  32: 'secrets out through receipts and logs',
  33: 'parameters that raise risk',
  34: 'enrolment in the middle',
};

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

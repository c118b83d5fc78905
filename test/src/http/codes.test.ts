import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { apiCodes } from '../../../schema/api/api-codes.ts';
import { codeCard } from '../../../schema/api/codes.ts';
import { relayCodes } from '../../../schema/api/relay-codes.ts';
import { errorsDoc } from '../../../src/http/errors-doc.ts';

const root = join(import.meta.dirname, '..', '..', '..');

/** Where reasons become codes that a person may see. Drivers' reasons do not: actions give them codes. */
const sources = [
  'relay/agent/**/*.ts',
  'relay/actions/**/*.ts',
  'relay/*.ts',
  // Findings in a homelab's repo are explained in docs/configuration.md.
  'schema/!(quadlet|change)/**/*.ts',
  'schema/*.ts',
  'src/{domain,auth,http}/**/*.ts',
];

/** No codes: the state `failed` of a receipt beside its codes, reasons that are turned into others, a message of no fault. */
const noCodes = new Set(['failed', 'base64url_not_canonical', 'chain_broken', 'witness']);

/** The words of types named …Refusal, …Reason or …Code, and of what is written as a `code`. */
function codesIn(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  const unions = [...code.matchAll(/type \w*(?:Refusal|Reason|Code)\b(?:<[^>]*>)? =([^;]*);/g)];
  const literals = [...code.matchAll(/\bcode: '([a-z][a-z0-9_]+)'/g)].map((match) => match[1]!);
  return [
    ...unions.flatMap((match) => [...match[1]!.matchAll(/'([a-z][a-z0-9_]+)'/g)].map((word) => word[1]!)),
    ...literals,
  ];
}

test('every code that the sources give is explained', () => {
  const unexplained: string[] = [];
  let seen = 0;
  for (const path of globSync(sources, { cwd: root })) {
    for (const code of codesIn(readFileSync(join(root, path), 'utf8'))) {
      seen += 1;
      if (!noCodes.has(code) && codeCard(code) === undefined) unexplained.push(`${code} (${path})`);
    }
  }
  assert.ok(seen > 200, `${seen} codes were looked at`);
  assert.deepEqual([...new Set(unexplained)], [], 'add them to a table in schema/api/');
});

test('no code is explained in two ways, and none that nobody gives', () => {
  const both = Object.keys(apiCodes).filter((code) => Object.hasOwn(relayCodes, code));
  assert.deepEqual(both, []);
  const text = globSync(['relay/**/*.ts', 'src/**/*.ts', 'schema/**/*.ts'], { cwd: root })
    .filter((path) => !/schema\/api\/[a-z]+-codes\.ts$/.test(path))
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .join('\n');
  const unused = [...Object.keys(apiCodes), ...Object.keys(relayCodes)].filter(
    (code) => !text.includes(`'${code}'`),
  );
  assert.deepEqual(unused, []);
});

test('docs/errors.md is what the tables say', () => {
  const doc = readFileSync(join(root, 'docs', 'errors.md'), 'utf8');
  assert.ok(doc === errorsDoc(), 'run: node src/node/write-errors-doc.ts');
});

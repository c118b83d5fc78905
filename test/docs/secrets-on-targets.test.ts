import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { secretFaults } from '../../relay/deploy/secrets/secrets.ts';
import { secretPlaces } from '../../relay/deploy/secrets/secrets-program.ts';
import { secretRefusals } from '../../relay/deploy/secrets/secrets-table.ts';
import { sectionOf } from '../support/doc-lines.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/secrets-on-targets.md'), 'utf8');
const firstCells = (heading: string): string[] =>
  [...sectionOf(page, heading).matchAll(/^\| `([^`]+)` \|/gm)].map(([, cell]) => cell!);

test('docs/secrets-on-targets.md: every code is told, and none that is not there', () => {
  const told = firstCells('What can go wrong');
  assert.deepEqual([...told].sort(), [...new Set([...secretFaults, ...secretRefusals])].sort());
});

test('docs/secrets-on-targets.md: places are where they are said to be', () => {
  const { home, run, program } = secretPlaces;
  assert.deepEqual(firstCells('What is on the machine'), [
    ...['identity', 'recipient', 'blobs/', 'secrets'].map((name) => `${home}/${name}`),
    ...[program, 'writ-secrets.service', `${run}/`],
  ]);
});

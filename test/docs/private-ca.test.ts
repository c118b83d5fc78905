import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { leafLifetimeMs } from '../../relay/deploy/leaves/leaf-issuer.ts';
import { certificateCodes } from '../../schema/api/certificate-codes.ts';
import { renewalMs } from '../../src/cli/ca/repo.ts';
import { commands } from '../../src/cli/commands.ts';
import { sectionOf } from '../support/doc-lines.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/private-ca.md'), 'utf8');

test('docs/private-ca.md: every code is told, and none that is not there', () => {
  const told = [...sectionOf(page, 'When something is wrong').matchAll(/^\| `([^`]+)` \|/gm)].map(
    ([, cell]) => cell!,
  );
  assert.deepEqual(told.sort(), Object.keys(certificateCodes).sort());
});

test('docs/private-ca.md: commands, times and metrics are what they are said to be', () => {
  const names = new Set(commands.map(({ name }) => name));
  for (const [, said] of page.matchAll(/writ (ca [a-z]+|deploy|targets|config check)/g)) {
    assert.ok(names.has(said!), said);
  }
  const day = 86_400_000;
  assert.deepEqual([leafLifetimeMs / day, leafLifetimeMs / 3 / day, renewalMs / day], [30, 10, 90]);
  const metrics = readFileSync(join(import.meta.dirname, '../../src/http/metrics.ts'), 'utf8');
  for (const [, metric] of page.matchAll(/`(writ_certificate_[a-z_]+)`/g))
    assert.ok(metrics.includes(metric!));
});

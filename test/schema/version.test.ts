import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { programVersion } from '../../schema/version.ts';

test('the programs tell the version of the package that they come in', () => {
  const file = join(import.meta.dirname, '../../package.json');
  assert.equal((JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version, programVersion);
});

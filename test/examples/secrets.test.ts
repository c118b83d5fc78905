import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decryptAge } from '../../src/cli/secrets/age.ts';
import { secretFilesOf } from '../../src/config/secrets/repo-paths.ts';
import { exampleFolder, exampleRepo, testIdentity, testKeyPath } from './example.ts';

const { secrets } = secretFilesOf(exampleRepo().files);
const machines = [...new Set(secrets.map(({ machine }) => machine))];

test('the keys of the example are marked as what they are', () => {
  const files = globSync('test-keys/*', { cwd: exampleFolder }).sort();
  assert.deepEqual(files, ['owner', ...machines].map(testKeyPath).sort());
  for (const file of files) {
    assert.match(readFileSync(join(exampleFolder, file), 'utf8'), /^# A TEST KEY: everybody has it\./, file);
  }
});

test('each secret opens with the keys of its machine and of the owner, and of nobody else', async () => {
  assert.ok(secrets.length >= 20);
  for (const { machine, name, bytes } of secrets) {
    const opens = async (key: string): Promise<boolean> =>
      (await decryptAge(bytes, [{ identity: testIdentity(key) }])).ok;
    const able = await Promise.all(
      ['owner', ...machines].map(async (key) => ((await opens(key)) ? [key] : [])),
    );
    assert.deepEqual(able.flat().sort(), ['owner', machine].sort(), `${name} of ${machine}`);
  }
});

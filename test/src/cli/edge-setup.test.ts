import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSettings } from '../../../edge/settings.ts';
import { parseSetupCode } from '../../../schema/api/access.ts';
import { runWrit } from './terminal-fixture.ts';

test('edge-setup writes the two secrets for their owner alone, and prints the code that fits them', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-edge-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const directory = join(folder, 'secrets');
  const words = ['edge-setup', directory, '--origin', 'https://writ.example.net'];
  const ran = await runWrit(words);
  assert.equal(ran.exit, 0, ran.err);
  const code = parseSetupCode(/writ-setup\.\S+/.exec(ran.out)?.[0] ?? '');
  assert.ok(code.ok);
  assert.equal(code.value.origin, 'https://writ.example.net');
  assert.equal(code.value.spki, null);

  const read = (name: string): string => {
    assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600);
    return readFileSync(join(directory, name), 'utf8');
  };
  const bindings = {
    LIBSQL_URL: 'libsql://writ.example.net',
    CONTROLLER_KEY: read('CONTROLLER_KEY'),
    SETUP_SECRET: read('SETUP_SECRET'),
  };
  assert.ok(
    !ran.out.includes(bindings.SETUP_SECRET),
    'the secret itself is in its file and in the code alone',
  );
  assert.ok(!ran.out.includes((JSON.parse(bindings.CONTROLLER_KEY) as { d: string }).d));
  const settings = await readSettings(bindings);
  assert.ok(settings.ok);
  assert.deepEqual(settings.value.key.jwk, code.value.controller);
  assert.equal(settings.value.setupSecret, code.value.secret);

  const again = await runWrit(words);
  assert.equal(again.exit, 3);
  assert.equal(read('CONTROLLER_KEY'), bindings.CONTROLLER_KEY);
});

test('edge-setup takes an https origin and nothing else', async () => {
  for (const origin of [
    [],
    ['--origin', 'http://writ.example.net'],
    ['--origin', 'https://writ.example.net/path'],
    ['--origin', 'https://user@writ.example.net'],
    ['--origin', 'writ.example.net'],
  ]) {
    const ran = await runWrit(['edge-setup', '/nonexistent/writ', ...origin]);
    assert.equal(ran.exit, 2, origin.join(' '));
  }
});

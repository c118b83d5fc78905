import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createHostMachine } from '../../../relay/machine/host-machine.ts';
import { isMachinePath } from '../../../relay/machine/machine.ts';
import { machineContract } from '../../support/machine-contract.ts';
import { missing } from '../../support/missing.ts';

const base = mkdtempSync(join(tmpdir(), 'writ-machine-'));
after(() => rmSync(base, { recursive: true, force: true }));

if (process.getuid?.() !== 0) missing('root, to give files to other owners');
else {
  machineContract('this host', () =>
    Promise.resolve({ machine: createHostMachine('here'), folder: mkdtempSync(join(base, 'x-')) }),
  );
}

test('words that are too long for a program are a failure, and are not thrown', async () => {
  const machine = createHostMachine('here');
  const ran = await machine.run(['true', 'x'.repeat(200_000)], { timeoutMs: 10_000, maxBytes: 1_000 });
  assert.equal(ran.ok ? 'ok' : ran.reason, 'machine_error');
});

test('paths have one form', () => {
  for (const path of ['/etc/opt/a', '/a', '/etc/a b', '/..a', '/a..']) assert.ok(isMachinePath(path), path);
  const bad = ['/', '', 'a', '/a/', '//a', '/a/..', '/./a', '/a\u0000', '/a\u007f', `/${'a'.repeat(256)}`];
  for (const path of bad) assert.ok(!isMachinePath(path), JSON.stringify(path));
});

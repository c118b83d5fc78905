import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { linesOf, passphrases, startLife } from './life.ts';

test('threat 11: docs/replace-a-relay.md ends a relay’s old key and admits its new one by one version of trust', async (t) => {
  const life = await startLife(t);
  const { desk, folder } = life;
  const lines = linesOf('replace-a-relay.md');
  assert.equal(lines.length, 3, 'every line of the page is played');
  const [add, approve, set] = lines as [string, string, string];
  const pve2 = await life.start('pve2');
  const before = await life.start('pve1');
  await before.follows(2);
  await desk.does('writ wake pve2');
  const operator = await life.operatorOf(desk);

  // The host is installed anew; its old disk lies about somewhere.
  await before.stop();
  cpSync(life.stateOf('pve1'), join(folder, 'old-disk'), { recursive: true });
  rmSync(life.stateOf('pve1'), { recursive: true });
  await life.enrol(desk, 'pve1', add);
  const after = await life.start('pve1');
  assert.notEqual(after.kid, before.kid);
  assert.equal(after.admitted(), false);
  const approved = await desk.does(approve, [[/^Passphrase/, passphrases.first]]);
  assert.match(approved.err, new RegExp(`pve1 +${after.fingerprint}`));
  assert.match(approved.err, /pve1's relay has another key \(.*\): nothing that the old one signs counts/);
  assert.match(approved.out, /pve1 is admitted by trust version 3/);
  assert.equal((await desk.trust()).document.version, 3, 'one version does both');

  // The new one acts.
  await after.follows(3);
  await pve2.follows(3);
  const woken = await desk.does('writ wake pve2');
  assert.match(woken.out, /awake/i);

  // The old one is nobody: not to the control plane, and not to itself once it learns of it.
  const ghost = await life.start('pve1', join(folder, 'old-disk'));
  assert.equal(ghost.kid, before.kid);
  assert.equal((await ghost.until('poll_failed')).fields.code, 'credentials_invalid');
  await ghost.stop();
  await after.stop();
  assert.equal(await life.judge('pve1', {}, operator), 'allowed');
  rmSync(life.stateOf('pve1'), { recursive: true });
  cpSync(join(folder, 'old-disk'), life.stateOf('pve1'), { recursive: true });
  assert.equal(await life.judge('pve1', {}, operator), 'allowed', 'it does not know yet');
  await desk.does('writ trust publish trust.jws');
  assert.equal((await life.console('pve1', 'writ-relay trust install trust.jws')).exit, 0);
  assert.equal(await life.judge('pve1', {}, operator), 'dropped: not_admitted');

  assert.match((await desk.does(set)).out, /trust is version 3/);

  // Only the key is to go: the folder is there already, so the line says that this is meant.
  const [first] = JSON.parse((await desk.does(`${add} --json`)).out).codes as { code: string }[];
  const hasOne = await life.console('pve1', `writ-relay enroll ${first!.code} --json`);
  assert.equal((JSON.parse(hasOne.out) as { code: string }).code, 'already_enrolled');
  await life.enrol(desk, 'pve1', add, ' --again');
  await desk.does(approve, [[/^Passphrase/, passphrases.first]]);
  const anew = await life.start('pve1');
  await anew.follows(4);
  assert.ok(anew.admitted() && ![before.kid, after.kid].includes(anew.kid));
});

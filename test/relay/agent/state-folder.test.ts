import assert from 'node:assert/strict';
import { chown, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeDisk } from '../../../relay/agent/node-disk.ts';
import { createState, openState } from '../../../relay/agent/state-files.ts';
import { lockState } from '../../../relay/agent/state-lock.ts';
import { missing } from '../../support/missing.ts';
import { defaultHome, quietLog, startRig } from './fixture.ts';

test('enrolment that is cut short at any write leaves no relay or a whole one', async () => {
  const home = await defaultHome();
  const secret = home.relays.pve2!.secret;
  for (let cutAt = 0; ; cutAt += 1) {
    const rig = await startRig({ home });
    await rig.executor.close();
    const { disk, clock } = rig;
    let writes = 0;
    const cut = <A extends unknown[]>(write: (...args: A) => Promise<void>) => {
      return async (...args: A): Promise<void> => {
        if (writes >= cutAt) throw Object.assign(new Error('cut'), { code: 'EIO' });
        writes += 1;
        return write(...args);
      };
    };
    const dying = {
      ...disk,
      append: cut(disk.append),
      replace: cut(disk.replace),
      remove: cut(disk.remove),
    };
    const made = await createState(
      { disk: dying, clock, log: quietLog() },
      { relay: 'pve2', secret, trust: home.trust() },
    );
    const opened = await openState({ disk, clock, log: quietLog() });
    if (made.ok) {
      assert.equal(opened.ok, true);
      assert.ok(cutAt >= 4);
      return;
    }
    assert.equal(made.reason, 'state_unwritable');
    const expected = cutAt === 0 ? 'opened' : 'key_missing';
    assert.equal(opened.ok ? 'opened' : opened.reason, expected, `cut at write ${cutAt}`);
  }
});

test('one process alone uses a state folder', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'writ-relay-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const first = await lockState(folder);
  assert.equal(first.ok, true);
  const second = await lockState(folder);
  assert.equal(second.ok ? 'locked' : second.reason, 'state_in_use');
  if (first.ok) await first.value.release();
  const third = await lockState(folder);
  assert.equal(third.ok, true);
  if (third.ok) await third.value.release();
});

if (process.geteuid?.() === 0) {
  test('what root writes belongs to the owner of the folder, as the relay must read it', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'writ-relay-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    await chown(folder, 65_534, 65_533);
    const rig = await startRig({ disk: nodeDisk(folder) });
    await rig.home.amend((document) => ({ ...document, mirror: null }));
    assert.equal((await rig.state.trust.install(rig.home.versions)).changed, true);
    await rig.executor.close();
    for (const name of ['key.json', 'journal', 'trust.json']) {
      const { uid, gid, mode } = await stat(join(folder, name));
      assert.deepEqual([uid, gid, mode & 0o777], [65_534, 65_533, 0o600], name);
    }
  });
} else {
  missing('root, to write into the folder of another user');
}

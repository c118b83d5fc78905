import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
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

test('who cannot write in a state folder cannot keep a relay from starting either', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'writ-relay-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { dev, ino } = await stat(folder);
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(`\0writ-relay/${dev}/${ino}`, resolve));
  t.after(() => squatter.close());
  const held = await lockState(folder);
  assert.equal(held.ok, true);
  assert.equal((await lstat(join(folder, 'lock'))).mode & 0o777, 0o600);
  if (held.ok) await held.value.release();
  assert.deepEqual(await readdir(folder), []);
});

test('a process that was killed holds no folder, and of two that start after it one has it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'writ-relay-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const module = join(import.meta.dirname, '../../../relay/agent/state-lock.ts');
  const script = `const { lockState } = await import(${JSON.stringify(module)});
    console.log((await lockState(${JSON.stringify(folder)})).ok); setInterval(() => {}, 1000);`;
  for (let round = 0; round < 3; round += 1) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    assert.equal(said.toString().trim(), 'true');
    assert.equal((await lockState(folder)).ok, false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.deepEqual(await readdir(folder), ['lock'], 'what it leaves');
    const both = await Promise.all([lockState(folder), lockState(folder)]);
    assert.equal(both.filter(({ ok }) => ok).length, 1);
    for (const held of both) if (held.ok) await held.value.release();
    assert.deepEqual(await readdir(folder), []);
  }
});

test('a state folder with a long path has room for its lock', async (t) => {
  const base = await mkdtemp(join(tmpdir(), 'writ-relay-'));
  t.after(() => rm(base, { recursive: true, force: true }));
  const folder = join(base, 'x'.repeat(120), 'state');
  const held = await lockState(folder);
  assert.equal(held.ok, true);
  assert.equal((await lockState(folder)).ok, false);
  if (held.ok) await held.value.release();
  assert.deepEqual(await readdir(folder), []);
});

test('a relay whose folder cannot be written starts, to say so', async () => {
  const folder = '/sys/kernel';
  if (!existsSync(folder)) {
    missing('sysfs, a file system that takes no sockets');
    return;
  }
  const held = await lockState(folder);
  assert.equal(held.ok, true);
  const second = await lockState(folder);
  assert.equal(second.ok ? '' : second.reason, 'state_in_use');
  if (held.ok) await held.value.release();
});

test('nobody who writes in a state folder leads root out of it by a link', async (t) => {
  const base = await mkdtemp(join(tmpdir(), 'writ-relay-'));
  t.after(() => rm(base, { recursive: true, force: true }));
  const victim = join(base, 'victim');
  const folder = join(base, 'state');
  const disk = nodeDisk(folder);
  await disk.replace('journal', Buffer.from('one\n'));
  await writeFile(victim, 'theirs\n');
  await rm(join(folder, 'journal'));
  await symlink(victim, join(folder, 'journal'));
  await assert.rejects(disk.append('journal', Buffer.from('two\n')), { code: 'ELOOP' });
  await assert.rejects(disk.read('journal'), { code: 'ELOOP' });
  await disk.replace('journal', Buffer.from('three\n'));
  assert.equal(await readFile(victim, 'utf8'), 'theirs\n');
  assert.equal(Buffer.from((await disk.read('journal'))!).toString(), 'three\n');
  await disk.close();
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

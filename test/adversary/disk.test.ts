import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nodeDisk } from '../../relay/agent/node-disk.ts';
import { createMemoryDisk, type Rig, startRig } from '../relay/agent/fixture.ts';
import { missing } from '../support/missing.ts';

const orderStart = async (rig: Rig, target = 'files'): Promise<string> => {
  const intent = await rig.home.intent([{ target }], { issuedAt: rig.clock.now() });
  const outcome = await rig.order(intent);
  // A disk that fills up in between holds up the end of a step.
  while (rig.executor.running().length > 0 && rig.executor.writable()) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  return outcome.kind === 'dropped' ? outcome.code : outcome.kind;
};

for (const fault of ['ENOSPC', 'EROFS', 'EIO']) {
  test(`threat 14: a disk that answers ${fault} lets nothing run, and everything once it is well`, async () => {
    for (const tornBytes of [0, 1, 40, 100_000]) {
      const disk = createMemoryDisk();
      const rig = await startRig({ disk });
      assert.equal(await orderStart(rig), 'started');
      disk.fault = fault;
      disk.tornBytes = tornBytes;
      const intent = await rig.home.intent([{}], { issuedAt: rig.clock.now() });
      for (let i = 0; i < 3; i += 1) {
        assert.deepEqual(await rig.order(intent), { kind: 'dropped', code: 'journal_unwritable' });
      }
      assert.equal(rig.executor.writable(), false);
      assert.equal(rig.deeds.length, 1);
      assert.equal(rig.executor.unconfirmedReceipts().length, 2, 'no receipt tells of what is not written');
      disk.fault = null;
      assert.deepEqual(await rig.order(intent), { kind: 'started' }, 'the job was left alone, not consumed');
      await rig.executor.idle();
      assert.equal(rig.executor.writable(), true);
      const next = await rig.restart({ cut: true });
      assert.equal((await next.order(intent)).kind, 'consumed');
      assert.equal(next.deeds.length, 2);
      await next.executor.close();
    }
  });
}

test('threat 14: a write that failed, yet reached the disk, makes no step run after a crash', async () => {
  const disk = createMemoryDisk();
  const rig = await startRig({ disk });
  disk.fault = 'EIO';
  disk.tornBytes = 1_000_000;
  const intent = await rig.home.intent([{}], { issuedAt: rig.clock.now() });
  assert.deepEqual(await rig.order(intent), { kind: 'dropped', code: 'journal_unwritable' });
  disk.fault = null;
  const next = await rig.restart({ cut: true });
  assert.equal((await next.order(intent)).kind, 'consumed');
  assert.deepEqual(next.deeds, []);
  assert.equal(next.receipts().at(-1)?.code, 'interrupted');
  await next.executor.close();
});

test('threat 14: a disk that fills up while a step runs gets the final receipt when there is room again', async () => {
  const disk = createMemoryDisk();
  let end = (): void => undefined;
  const rig = await startRig({
    disk,
    behaviour: {
      act: () =>
        new Promise((resolve) => {
          end = () => resolve(undefined);
        }),
    },
  });
  await rig.order(await rig.home.intent([{}], { issuedAt: rig.clock.now() }));
  disk.fault = 'ENOSPC';
  end();
  while (rig.executor.writable()) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(rig.executor.running().length, 1, 'it holds its locks until its end is written');
  disk.fault = null;
  const told = new Promise((resolve) => rig.executor.onReceipt(resolve));
  rig.clock.advance(6_000);
  await told;
  await rig.executor.idle();
  assert.deepEqual(
    rig.receipts().map(({ state }) => state),
    ['started', 'succeeded'],
  );
  await rig.executor.close();
});

test('threat 14: a host is not powered off when that cannot be journalled', async () => {
  const disk = createMemoryDisk();
  const rig = await startRig({
    disk,
    behaviour: {
      async act(_type, ctx) {
        disk.fault = 'ENOSPC';
        const announced = await ctx.announcePowerOff();
        disk.fault = null;
        return announced.ok ? { state: 'pending_boot' } : { state: 'failed', code: announced.reason };
      },
    },
  });
  const shutdown = [{ action: 'host.shutdown', target: 'pve2' }];
  await rig.order(await rig.home.intent(shutdown, { issuedAt: rig.clock.now() }));
  await rig.executor.idle();
  assert.deepEqual(
    [rig.receipts().at(-1)?.state, rig.receipts().at(-1)?.code],
    ['failed', 'journal_unwritable'],
  );
  await rig.executor.close();
});

/** A small file system of its own; null where this machine does not allow one. */
function mountSmall(t: TestContext): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'writ-small-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder]);
  t.after(async () => {
    if (mounted.status === 0) spawnSync('umount', [folder]);
    await rm(folder, { recursive: true, force: true });
  });
  return mounted.status === 0 ? folder : null;
}

test('threat 14: a file system that is really full, and one that is really read-only', async (t) => {
  const folder = mountSmall(t);
  if (folder === null) {
    missing('root, to mount a small tmpfs: full and read-only disks were only imitated');
    t.diagnostic('not as root: full and read-only disks were only imitated');
    return;
  }
  const rig = await startRig({ disk: nodeDisk(join(folder, 'state')) });
  assert.equal(await orderStart(rig), 'started');

  const { bavail, bsize } = await statfs(folder);
  const ballast = join(folder, 'ballast');
  await writeFile(ballast, Buffer.alloc(bavail * bsize));
  // What is left of the journal's last block is used up first.
  let full = '';
  for (let i = 0; i < 20 && full !== 'journal_unwritable'; i += 1) full = await orderStart(rig);
  assert.equal(full, 'journal_unwritable');
  const deeds = rig.deeds.length;
  assert.equal(await orderStart(rig), 'journal_unwritable');
  assert.equal(rig.deeds.length, deeds);
  await rm(ballast);
  rig.clock.advance(6_000);
  await rig.executor.idle();
  assert.equal(await orderStart(rig), 'started');
  const next = await rig.restart();

  assert.equal(spawnSync('mount', ['-o', 'remount,ro', folder]).status, 0);
  const readOnly = await next.restart({ cut: true });
  assert.equal(await orderStart(readOnly), 'journal_unwritable', 'it starts, and runs nothing');
  assert.equal(spawnSync('mount', ['-o', 'remount,rw', folder]).status, 0);
  assert.equal(await orderStart(readOnly), 'started');
  await next.state.journal.close();
  await readOnly.executor.close();
});

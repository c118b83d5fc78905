import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Connections, commitGroup, openConnections } from '../../../src/store/embedded-commit.ts';
import { openEmbedded } from '../../../src/store/embedded-node.ts';
import { isStoreError, type Statement } from '../../../src/store/port.ts';
import { missing } from '../../support/missing.ts';
import { makeTemporaryFolder } from '../../support/store.ts';

const child = (name: string): string => fileURLToPath(new URL(`children/${name}`, import.meta.url));

/** Runs a program with a mount of its own over the folder, as root or in a user namespace; undefined if it may not. */
function runMounted(folder: string, mount: string, program: string): unknown {
  const namespaces = process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user'];
  const probe = spawnSync('unshare', [...namespaces, 'sh', '-c', 'mount -t tmpfs none "$1"', 'sh', folder]);
  if (probe.status !== 0) return undefined;
  const script = `${mount} && exec "$2" "$3" "$1"`;
  const args = [...namespaces, 'sh', '-c', script, 'sh', folder, process.execPath, program];
  const result = spawnSync('unshare', args, { encoding: 'utf8', timeout: 60_000 });
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout);
}

test('a full disk refuses what does not fit, loses nothing, and is over when there is room', async (t) => {
  const folder = await makeTemporaryFolder(t);
  const outcome = runMounted(folder, 'mount -t tmpfs -o size=6m none "$1"', child('full-disk.ts'));
  if (outcome === undefined) return missing('a mount namespace with tmpfs, for a full disk');
  assert.deepEqual(outcome, {
    told: [1, 200],
    refused: Array(20).fill('full'),
    whenFull: Array(20).fill(false),
    readable: [{ n: 2 }],
    stillReadable: [{ n: 2 }],
    afterwards: true,
    rows: [
      { id: 1, parts: 2 },
      { id: 200, parts: 2 },
    ],
  });
});

test('SQLITE_FULL in the middle of a group fails the group, and the connection is not used again', async (t) => {
  const path = join(await makeTemporaryFolder(t), 'writ.db');
  const db = await openEmbedded({ path });
  await db.write([{ sql: 'CREATE TABLE item (id INTEGER, filler BLOB)', args: [] }]);
  await db.close();
  const real = openConnections(path);
  const limited: Connections = {
    ...real,
    writer: () => {
      const handle = real.writer();
      handle.exec('PRAGMA max_page_count = 10');
      return handle;
    },
  };
  const insert = (id: number, bytes: number): Statement[] => [
    { sql: 'INSERT INTO item (id, filler) VALUES (?, ?)', args: [id, new Uint8Array(bytes)] },
  ];
  const outcome = commitGroup(limited, [insert(1, 10), insert(2, 200_000), insert(3, 10)], () => false);
  assert.ok(outcome.kind === 'failed' && isStoreError(outcome.error, 'full'));
  assert.equal(real.dropped(), 1);
  assert.deepEqual(real.reader().run({ sql: 'SELECT id FROM item', args: [] }).rows, []);
  assert.equal(commitGroup(limited, [insert(1, 10)], () => false).kind, 'done');
  assert.deepEqual(real.reader().run({ sql: 'SELECT id FROM item', args: [] }).rows, [{ id: 1 }]);
  real.dropReader();
  real.dropWriter();
});

test('a file or folder that cannot be written is refused as read-only when opening', async (t) => {
  const folder = await makeTemporaryFolder(t);
  const inside = join(folder, 'data');
  await mkdir(inside);
  for (const name of ['writ.db', 'bare.db']) {
    const db = await openEmbedded({ path: join(inside, name) });
    await db.write([{ sql: 'CREATE TABLE item (id INTEGER)', args: [] }]);
    await db.close();
  }
  // One database comes without the file that its owner locks.
  rmSync(join(inside, 'bare.db-owner'));
  const expected = ['readonly', 'readonly', 'readonly'];
  if (process.getuid?.() === 0) {
    const reasons = runMounted(
      inside,
      'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"',
      child('read-only.ts'),
    );
    if (reasons === undefined) return missing('a mount namespace, for a read-only folder as root');
    assert.deepEqual(reasons, expected);
    return;
  }
  chmodSync(join(inside, 'writ.db-owner'), 0o400);
  chmodSync(inside, 0o500);
  t.after(() => chmodSync(inside, 0o700));
  const result = spawnSync(process.execPath, [child('read-only.ts'), inside], { encoding: 'utf8' });
  assert.equal(result.status, 0, result.stderr);
  assert.deepEqual(JSON.parse(result.stdout), expected);
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Connections, commitGroup, openConnections } from '../../../src/store/embedded-commit.ts';
import type { Handle } from '../../../src/store/embedded-handle.ts';
import { openEmbedded } from '../../../src/store/embedded-node.ts';
import type { Migration } from '../../../src/store/migrate.ts';
import { isStoreError, type Statement, storeError, systemTimers } from '../../../src/store/port.ts';
import { makeTemporaryFolder, openTestStore } from '../../support/store.ts';

const migrations: readonly Migration[] = [
  {
    version: 1,
    name: 'items',
    statements: [
      'CREATE TABLE item (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED)',
      "CREATE TRIGGER refused BEFORE INSERT ON item WHEN NEW.id = 13 BEGIN SELECT RAISE(ABORT, 'unlucky'); END",
      "CREATE TRIGGER ruinous BEFORE INSERT ON item WHEN NEW.id = 666 BEGIN SELECT RAISE(ROLLBACK, 'ruin'); END",
    ],
  },
];

const insert = (id: number): Statement[] => [{ sql: 'INSERT INTO item (id) VALUES (?)', args: [id] }];
const selectIds: Statement = { sql: 'SELECT id FROM item ORDER BY id', args: [] };

test('batches that wait together share a commit', async (t) => {
  const { db } = await openTestStore(t, migrations);
  const before = db.stats();
  await Promise.all(Array.from({ length: 300 }, (_, index) => db.write(insert(index + 1000))));
  const after = db.stats();
  assert.equal(after.batches - before.batches, 300);
  assert.ok(after.commits - before.commits <= 10, `${after.commits - before.commits} commits`);
  assert.equal((await db.read(selectIds)).length, 300);
});

test('after a commit of many batches the next waits for others, and after that of one it does not', async (t) => {
  let nowMs = 0;
  const timers = { ...systemTimers, monotonicMs: () => (nowMs += 0.1) };
  const { db } = await openTestStore(t, migrations, { timers });
  const turns = async (count: number): Promise<void> => {
    for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const commitsOfTwo = async (first: number): Promise<number> => {
    const { commits } = db.stats();
    const one = db.write(insert(first));
    await turns(5);
    await Promise.all([one, db.write(insert(first + 1))]);
    return db.stats().commits - commits;
  };
  await db.write(insert(1));
  assert.equal(await commitsOfTwo(2), 2);
  await Promise.all(Array.from({ length: 20 }, (_, index) => db.write(insert(index + 1000))));
  assert.equal(await commitsOfTwo(4), 1);
});

test('a batch that changes nothing costs no commit', async (t) => {
  const { db } = await openTestStore(t, migrations);
  const before = db.stats();
  const [result] = await db.write([{ sql: 'DELETE FROM item WHERE id = 5', args: [] }]);
  assert.equal(result?.changes, 0);
  assert.equal(db.stats().commits, before.commits);
  assert.equal(db.stats().batches, before.batches + 1);
});

test('in one group, only the batches that fail are rejected', async (t) => {
  const { db } = await openTestStore(t, migrations);
  const ids = [1, 2, 13, 3, 2, 4];
  const before = db.stats().commits;
  const outcomes = await Promise.allSettled(ids.map((id) => db.write(insert(id))));
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
  );
  assert.equal(db.stats().commits, before + 1);
  assert.deepEqual(await db.read(selectIds), [{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }]);
});

test('a batch whose trigger rolls the whole transaction back takes no other with it', async (t) => {
  const { db } = await openTestStore(t, migrations);
  const outcomes = await Promise.allSettled([1, 2, 666, 3].map((id) => db.write(insert(id))));
  const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.detail : 'ok'));
  assert.deepEqual(reasons, ['ok', 'ok', 'ruin', 'ok']);
  assert.deepEqual(await db.read(selectIds), [{ id: 1 }, { id: 2 }, { id: 3 }]);
});

test('a constraint that is checked at COMMIT rejects its own batch alone', async (t) => {
  const { db } = await openTestStore(t, migrations);
  const orphan: Statement[] = [{ sql: 'INSERT INTO item (id, parent) VALUES (50, 51)', args: [] }];
  const outcomes = await Promise.allSettled([db.write(insert(1)), db.write(orphan), db.write(insert(2))]);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.ok(outcomes[1]?.status === 'rejected' && isStoreError(outcomes[1].reason, 'constraint'));
  assert.deepEqual(await db.read(selectIds), [{ id: 1 }, { id: 2 }]);
});

test('batches are told in the order in which they were written', async (t) => {
  const { db } = await openTestStore(t, migrations);
  const told: number[] = [];
  await Promise.all(
    Array.from({ length: 1500 }, (_, index) => db.write(insert(index + 1000)).then(() => told.push(index))),
  );
  assert.deepEqual(
    told,
    Array.from({ length: 1500 }, (_, index) => index),
  );
});

test('more batches than may wait are rejected as busy, at once', async (t) => {
  const { db } = await openTestStore(t, migrations, { maxWaiting: 5 });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 8 }, (_, index) => db.write(insert(index + 1))),
  );
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  assert.equal(refused.length, 3);
  for (const { reason } of refused) assert.ok(isStoreError(reason, 'busy'));
  assert.equal((await db.read(selectIds)).length, 5);
});

test('one process owns the file, whatever name it goes by', async (t) => {
  const { db, path } = await openTestStore(t, migrations);
  await db.write(insert(1));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const link = `${path}-link`;
  symlinkSync(path, link);
  for (const name of [path, link]) {
    await assert.rejects(openEmbedded({ path: name }), (error) => isStoreError(error, 'in_use'));
  }
  const source = new URL('../../../src/store/embedded-node.ts', import.meta.url).href;
  const program = `import { openEmbedded } from ${JSON.stringify(source)};
    const db = await openEmbedded({ path: process.argv[1] }).catch((error) => console.log(error.reason));
    if (db) { console.log(JSON.stringify(await db.read({ sql: 'SELECT id FROM item', args: [] }))); await db.close(); }`;
  const openElsewhere = (): string => {
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', program, path], {
      encoding: 'utf8',
    });
    assert.equal(child.status, 0, child.stderr);
    return child.stdout.trim();
  };
  assert.equal(openElsewhere(), 'in_use');
  await db.close();
  assert.equal(openElsewhere(), '[{"id":1}]');
});

test('what is no database is refused as corrupt, a missing directory as unavailable', async (t) => {
  const folder = await makeTemporaryFolder(t);
  const path = join(folder, 'writ.db');
  writeFileSync(path, 'no database at all '.repeat(500));
  await assert.rejects(openEmbedded({ path }), (error) => isStoreError(error, 'corrupt'));
  // The claim is let go: a second try fails for the same reason.
  await assert.rejects(openEmbedded({ path }), (error) => isStoreError(error, 'corrupt'));
  await assert.rejects(openEmbedded({ path: join(folder, 'no', 'writ.db') }), (error) =>
    isStoreError(error, 'unavailable'),
  );
});

/** Connections whose COMMIT is replaced, as often as it is asked for. */
function withCommit(path: string, commit: (handle: Handle) => void): Connections {
  const real = openConnections(path);
  return {
    ...real,
    writer: () => {
      const handle = real.writer();
      return { ...handle, exec: (sql) => (sql === 'COMMIT' ? commit(handle) : handle.exec(sql)) };
    },
  };
}

async function prepareFile(t: Parameters<typeof makeTemporaryFolder>[0]): Promise<string> {
  const { db, path } = await openTestStore(t, migrations);
  await db.close();
  return path;
}

const never = (): boolean => false;
const readIds = (connections: Connections): unknown => connections.reader().run(selectIds).rows;

test('a COMMIT that says yes and does nothing is never acknowledged', async (t) => {
  const path = await prepareFile(t);
  let lies = 0;
  const connections = withCommit(path, (handle) => {
    if (lies++ === 0) handle.exec('ROLLBACK');
    else handle.exec('COMMIT');
  });
  assert.deepEqual(commitGroup(connections, [insert(1)], never), { kind: 'busy' });
  assert.deepEqual(readIds(connections), []);
  assert.equal(commitGroup(connections, [insert(1)], never).kind, 'done');
  assert.deepEqual(readIds(connections), [{ id: 1 }]);
  connections.dropReader();
  connections.dropWriter();
});

test('a COMMIT that leaves the transaction open is never acknowledged', async (t) => {
  const path = await prepareFile(t);
  let lies = 0;
  const connections = withCommit(path, (handle) => {
    if (lies++ > 0) handle.exec('COMMIT');
  });
  assert.deepEqual(commitGroup(connections, [insert(1)], never), { kind: 'busy' });
  assert.deepEqual(readIds(connections), []);
  connections.dropReader();
  connections.dropWriter();
});

test('a COMMIT that went through and then failed is found out and acknowledged', async (t) => {
  const path = await prepareFile(t);
  let calls = 0;
  const connections = withCommit(path, (handle) => {
    handle.exec('COMMIT');
    if (calls++ === 0) throw storeError('unavailable', 'disk I/O error');
  });
  const outcome = commitGroup(connections, [insert(1)], never);
  assert.ok(outcome.kind === 'done' && outcome.committed);
  assert.deepEqual(readIds(connections), [{ id: 1 }]);
  connections.dropReader();
  connections.dropWriter();
});

test('a COMMIT that failed is told as failed, or as unknown when that cannot be found out', async (t) => {
  const path = await prepareFile(t);
  let calls = 0;
  const once = withCommit(path, (handle) => {
    if (calls++ === 0) throw storeError('unavailable', 'disk I/O error');
    handle.exec('COMMIT');
  });
  const failed = commitGroup(once, [insert(1)], never);
  assert.ok(failed.kind === 'failed' && isStoreError(failed.error, 'unavailable'));
  assert.deepEqual(readIds(once), []);
  once.dropReader();
  once.dropWriter();
  const always = withCommit(path, () => {
    throw storeError('unavailable', 'disk I/O error');
  });
  const unknown = commitGroup(always, [insert(1)], never);
  assert.ok(unknown.kind === 'failed' && isStoreError(unknown.error, 'timeout'));
  always.dropReader();
  always.dropWriter();
});

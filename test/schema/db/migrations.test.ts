import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { getTableConfig } from 'drizzle-orm/sqlite-core';
import { migrations, schemaVersion } from '../../../schema/db/migrations.ts';
import { tables } from '../../../schema/db/tables.ts';
import { type EmbeddedDatabase, openEmbedded } from '../../../src/store/embedded-node.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { isStoreError } from '../../../src/store/port.ts';
import { makeTemporaryFolder } from '../../support/store.ts';

/** A database at a version of the schema; 0 is an empty file. */
async function databaseAt(t: TestContext, version: number): Promise<EmbeddedDatabase> {
  const db = await openEmbedded({ path: join(await makeTemporaryFolder(t), 'writ.db') });
  t.after(() => db.close());
  await migrate(db, migrations.slice(0, version));
  return db;
}

type Column = { name: string; type: string; notNull: boolean; key: number };

async function columnsOf(db: EmbeddedDatabase, table: string): Promise<Column[]> {
  const rows = await db.read({
    sql: 'SELECT name, type, "notnull" AS required, pk FROM pragma_table_info(?)',
    args: [table],
  });
  return rows.map((row) => ({
    name: String(row.name),
    type: String(row.type).toLowerCase(),
    // SQLite does not say it of a rowid's own column, which is never null.
    notNull: row.required === 1 || (row.pk === 1 && row.type === 'INTEGER'),
    key: Number(row.pk),
  }));
}

/** The columns of every index that was made by CREATE INDEX, by its name; unique ones end in "!". */
async function indexesOf(db: EmbeddedDatabase, table: string): Promise<Record<string, string>> {
  const rows = await db.read({
    sql: `SELECT list.name AS name, list."unique" AS once, info.name AS col
      FROM pragma_index_list(?) AS list, pragma_index_info(list.name) AS info
      WHERE list.origin = 'c' ORDER BY list.name, info.seqno`,
    args: [table],
  });
  const found: Record<string, string> = {};
  for (const { name, once, col } of rows) {
    const before = found[String(name)]?.replace('!', '');
    found[String(name)] = `${before === undefined ? '' : `${before},`}${String(col)}${once === 1 ? '!' : ''}`;
  }
  return found;
}

async function schemaText(db: EmbeddedDatabase): Promise<readonly unknown[]> {
  return db.read({
    sql: "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name",
    args: [],
  });
}

describe('the migrated schema', () => {
  for (const table of Object.values(tables)) {
    const config = getTableConfig(table);
    test(`${config.name} is as tables.ts says, column by column`, async (t) => {
      const db = await databaseAt(t, schemaVersion);
      const keys = config.primaryKeys[0]?.columns.map((column) => column.name) ?? [];
      const expected = config.columns.map(
        (column): Column => ({
          name: column.name,
          type: column.getSQLType(),
          notNull: column.notNull || keys.includes(column.name),
          key: column.primary ? 1 : keys.indexOf(column.name) + 1,
        }),
      );
      assert.deepEqual(await columnsOf(db, config.name), expected);
      const indexes = Object.fromEntries(
        config.indexes.map(({ config: { name, columns, unique } }) => [
          name,
          columns.map((column) => ('name' in column ? column.name : '?')).join(',') + (unique ? '!' : ''),
        ]),
      );
      assert.deepEqual(await indexesOf(db, config.name), indexes);
    });
  }

  test('has no table that tables.ts does not know', async (t) => {
    const db = await databaseAt(t, schemaVersion);
    const rows = await db.read({
      sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
      args: [],
    });
    const known = Object.values(tables).map((table) => getTableConfig(table).name);
    assert.deepEqual(
      rows.map((row) => row.name),
      [...known, 'schema_version'].sort(),
    );
  });
});

for (let version = 0; version <= schemaVersion; version += 1) {
  test(`a database of version ${version} comes to be the same as a new one`, async (t) => {
    const [old, fresh] = [await databaseAt(t, version), await databaseAt(t, schemaVersion)];
    const outcome = await migrate(old, migrations);
    assert.deepEqual(outcome, { from: version, to: schemaVersion });
    assert.deepEqual(await schemaText(old), await schemaText(fresh));
  });
}

const held = (thing: string, command: string, mode: string) => ({
  sql: 'INSERT INTO held_lock (thing, command, mode) VALUES (?, ?, ?)',
  args: [thing, command, mode],
});

test('the database refuses a lock that conflicts with another command’s', async (t) => {
  const db = await databaseAt(t, schemaVersion);
  const refusedAs = (code: string) => (error: unknown) =>
    isStoreError(error, 'constraint') && error.detail.includes(code);
  await db.write([held('host:pve2', 'a', 'shared'), held('guest:gaming', 'a', 'exclusive')]);
  await db.write([held('host:pve2', 'b', 'shared')]);
  await assert.rejects(db.write([held('host:pve2', 'c', 'exclusive')]), refusedAs('lock_conflict'));
  await assert.rejects(
    db.write([held('host:pve1', 'c', 'shared'), held('guest:gaming', 'c', 'shared')]),
    refusedAs('lock_conflict'),
  );
  const left = await db.read({
    sql: 'SELECT thing, command FROM held_lock ORDER BY command, thing',
    args: [],
  });
  assert.deepEqual(
    left.map((row) => `${row.command} ${row.thing}`),
    ['a guest:gaming', 'a host:pve2', 'b host:pve2'],
  );
});

test('the database refuses a change of a command that was changed since it was read', async (t) => {
  const db = await databaseAt(t, schemaVersion);
  const insert =
    "INSERT INTO command (id, order_json, state, principal, created_at, revision) VALUES ('c', '{}', 'running', 'p', 1, 1)";
  await db.write([{ sql: insert, args: [] }]);
  const raise = { sql: 'UPDATE command SET revision = ? WHERE id = ?', args: [2, 'c'] };
  await db.write([raise]);
  await assert.rejects(
    db.write([raise]),
    (error) => isStoreError(error, 'constraint') && error.detail.includes('stale'),
  );
});

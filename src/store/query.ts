import { type Column, fillPlaceholders, getTableColumns, type Placeholder, type SQL, sql } from 'drizzle-orm';
import {
  QueryBuilder,
  SQLiteDeleteBase,
  SQLiteInsertBuilder,
  SQLiteSyncDialect,
  type SQLiteTable,
  SQLiteUpdateBuilder,
} from 'drizzle-orm/sqlite-core';
import type { SqliteRemoteDatabase } from 'drizzle-orm/sqlite-proxy';
import { type BuiltQuery, type Database, isStoreError, toStatement, type WriteResult } from './port.ts';

const dialect = new SQLiteSyncDialect();
const builder = new QueryBuilder(dialect);
const session = undefined as never;

/**
 * Builds statements and never runs them: the port does. Made of Drizzle's parts, because a database of its own brings
 * sessions and relations along, 4 KB of the packed Worker for nothing.
 */
export const build = {
  select: builder.select.bind(builder),
  insert: (table: SQLiteTable) => new SQLiteInsertBuilder(table, session, dialect),
  update: (table: SQLiteTable) => new SQLiteUpdateBuilder(table, session, dialect),
  delete: (table: SQLiteTable) => new SQLiteDeleteBase(table, session, dialect),
} as unknown as Pick<SqliteRemoteDatabase, 'select' | 'insert' | 'update' | 'delete'>;

type ResultOf<Q> = Q extends { readonly _: { readonly result: infer R } } ? R : never;

/** The place of a value in a prepared query. */
export const slot = (name: string): Placeholder => sql.placeholder(name);

/**
 * A query whose text is made once: building it takes Drizzle longer than SQLite takes to run it. `make` puts a
 * `slot` wherever a value comes later; the query that is given back is one of these values.
 */
export function prepared<Q extends BuiltQuery>(
  make: () => Q,
): (values: Readonly<Record<string, unknown>>) => Q {
  let text: ReturnType<BuiltQuery['toSQL']> | undefined;
  return (values) => {
    text ??= make().toSQL();
    const { sql: made, params } = text;
    const filled = { toSQL: () => ({ sql: made, params: fillPlaceholders([...params], values) }) };
    // Of a query nothing but its text is used, and in types what it results in.
    return filled as unknown as Q;
  };
}

/** Prepares the INSERT of one row, with a value for each of the columns. */
export const insertInto = <T extends SQLiteTable, K extends keyof T['$inferInsert'] & string>(
  table: T,
  columns: readonly K[] = Object.keys(getTableColumns(table)) as K[],
): ((row: { readonly [column in K]-?: T['$inferInsert'][column] }) => BuiltQuery) =>
  prepared(() =>
    build.insert(table).values(Object.fromEntries(columns.map((column) => [column, slot(column)])) as never),
  );

/** The columns of an UPDATE, each with a slot of its own name. */
export const slotsOf = <K extends string>(columns: readonly K[]): Record<K, SQL> =>
  Object.fromEntries(columns.map((column) => [column, sql`${slot(column)}`])) as Record<K, SQL>;

/** Whether a column is in a JSON array that comes as one value: a text of its own for each count would be. */
export const inSlot = (column: Column, name: string): SQL =>
  sql`${column} IN (SELECT value FROM json_each(${slot(name)}))`;

/** A statement as it is written, with rows of a shape; each `?` is one of the values, in order. */
export const written =
  <Row = never>(text: string) =>
  (...params: readonly unknown[]): BuiltQuery & { readonly _: { readonly result: readonly Row[] } } =>
    ({ toSQL: () => ({ sql: text, params }) }) as never;

/**
 * Runs a built SELECT. Rows come by column name: what is selected must be named as its column is, or aliased in
 * SQL. All columns are texts and integers, so that a row needs no other mapping.
 */
export async function select<Q extends BuiltQuery>(database: Database, query: Q): Promise<ResultOf<Q>> {
  return (await database.read(toStatement(query))) as ResultOf<Q>;
}

/** Runs built statements as one atomic batch. */
export const run = (database: Database, queries: readonly BuiltQuery[]): Promise<WriteResult> =>
  database.write(queries.map(toStatement));

/**
 * Runs a batch whose constraints and triggers may refuse it. `meanings` tells what a part of SQLite's message
 * means; a message that none of them is in is a bug and is thrown.
 */
export async function attempt<M extends string>(
  database: Database,
  queries: readonly BuiltQuery[],
  meanings: Readonly<Record<string, M>>,
): Promise<M | null> {
  try {
    await run(database, queries);
    return null;
  } catch (error) {
    if (!isStoreError(error, 'constraint')) throw error;
    for (const [part, meaning] of Object.entries(meanings)) {
      if (error.detail.includes(part)) return meaning;
    }
    throw error;
  }
}

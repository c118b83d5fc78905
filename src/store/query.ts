import { drizzle } from 'drizzle-orm/sqlite-proxy';
import { type BuiltQuery, type Database, isStoreError, toStatement, type WriteResult } from './port.ts';

/** Builds statements and never runs them: the port does. */
export const build = drizzle(async () => {
  throw new Error('statements are run through the storage port alone');
});

type ResultOf<Q> = Q extends { readonly _: { readonly result: infer R } } ? R : never;

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

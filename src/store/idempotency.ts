import { and, eq, lt, sql } from 'drizzle-orm';
import { idempotency } from '../../schema/db/tables.ts';
import type { Idempotency } from '../domain/errors.ts';
import type { BuiltQuery, Database } from './port.ts';
import { build, insertInto, prepared, run, select, slot } from './query.ts';

const insertKey = insertInto(idempotency);
const selectKey = prepared(() =>
  build
    .select({ route: idempotency.route, body: idempotency.body, made: idempotency.made })
    .from(idempotency)
    .where(and(eq(idempotency.principal, slot('principal')), eq(idempotency.key, slot('key')))),
);
const selectOld = prepared(() =>
  build
    .select({ found: sql<number>`1`.as('found') })
    .from(idempotency)
    .where(lt(idempotency.created_at, slot('before')))
    .limit(1),
);

/** What `attempt` makes of the refusal when a principal used the key before. */
export const idempotencyTaken = { 'idempotency.principal': 'idempotency_taken' } as const;

/** The statement that binds a key to what it made, to stand first in that batch; none without a key. */
export const idempotencyStatements = (
  bound: { readonly principal: string; readonly use: Idempotency } | null,
  made: string,
  now: number,
): BuiltQuery[] =>
  bound === null
    ? []
    : [
        insertKey({
          principal: bound.principal,
          key: bound.use.key,
          route: bound.use.route,
          body: bound.use.body,
          made,
          created_at: now,
        }),
      ];

export async function findIdempotent(database: Database, principal: string, key: string) {
  return (await select(database, selectKey({ principal, key })))[0] ?? null;
}

export async function forgetIdempotency(database: Database, before: number): Promise<void> {
  if ((await select(database, selectOld({ before }))).length === 0) return;
  await run(database, [build.delete(idempotency).where(lt(idempotency.created_at, before))]);
}

import { and, eq, lt, sql } from 'drizzle-orm';
import { idempotency } from '../../schema/db/tables.ts';
import type { Idempotency } from '../domain/errors.ts';
import type { BuiltQuery, Database } from './port.ts';
import { build, run, select } from './query.ts';

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
        build.insert(idempotency).values({
          principal: bound.principal,
          key: bound.use.key,
          route: bound.use.route,
          body: bound.use.body,
          made,
          created_at: now,
        }),
      ];

export async function findIdempotent(database: Database, principal: string, key: string) {
  const query = build
    .select({ route: idempotency.route, body: idempotency.body, made: idempotency.made })
    .from(idempotency)
    .where(and(eq(idempotency.principal, principal), eq(idempotency.key, key)));
  return (await select(database, query))[0] ?? null;
}

export async function forgetIdempotency(database: Database, before: number): Promise<void> {
  const old = build
    .select({ found: sql<number>`1`.as('found') })
    .from(idempotency)
    .where(lt(idempotency.created_at, before))
    .limit(1);
  if ((await select(database, old)).length === 0) return;
  await run(database, [build.delete(idempotency).where(lt(idempotency.created_at, before))]);
}

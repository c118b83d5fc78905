import { desc, eq, isNull } from 'drizzle-orm';
import { token } from '../../schema/db/tables.ts';
import type { TokenRecord, TokenStore } from '../domain/ports.ts';
import { noteStatements } from './audit-store.ts';
import { idempotencyStatements, idempotencyTaken } from './idempotency.ts';
import type { Database } from './port.ts';
import { attempt, build, prepared, run, select, slot } from './query.ts';

const selectToken = prepared(() =>
  build
    .select()
    .from(token)
    .where(eq(token.id, slot('id'))),
);

const toRecord = (row: typeof token.$inferSelect): TokenRecord => ({
  id: row.id,
  name: row.name,
  scope: JSON.parse(row.scope_json) as string[],
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
  lastUsedAt: row.last_used_at,
});

export function tokenStore(database: Database): TokenStore {
  const find = async (id: string): Promise<TokenRecord | null> => {
    const [row] = await select(database, selectToken({ id }));
    return row === undefined ? null : toRecord(row);
  };
  return {
    find,
    all: async () =>
      (
        await select(database, build.select().from(token).orderBy(desc(token.created_at), desc(token.id)))
      ).map(toRecord),
    add: async (record, idempotency, note) => {
      const taken = await attempt(
        database,
        [
          ...idempotencyStatements(idempotency, record.id, record.createdAt),
          build.insert(token).values({
            id: record.id,
            name: record.name,
            scope_json: JSON.stringify(record.scope),
            created_at: record.createdAt,
            expires_at: record.expiresAt,
            revoked_at: record.revokedAt,
            last_used_at: record.lastUsedAt,
          }),
          ...noteStatements([note]),
        ],
        idempotencyTaken,
      );
      return taken ?? 'added';
    },
    revoke: async (id, now, note) => {
      const known = await find(id);
      if (known === null || known.revokedAt !== null) return false;
      const already = await attempt(
        database,
        [build.update(token).set({ revoked_at: now }).where(eq(token.id, id)), ...noteStatements([note])],
        { token_revoked: 'revoked' },
      );
      return already === null;
    },
    revokeAll: async (now, note) => {
      await run(database, [
        build.update(token).set({ revoked_at: now }).where(isNull(token.revoked_at)),
        ...noteStatements([note]),
      ]);
    },
    touch: async (id, now) => {
      await run(database, [build.update(token).set({ last_used_at: now }).where(eq(token.id, id))]);
    },
  };
}

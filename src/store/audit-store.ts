import { and, asc, desc, eq, gt, isNotNull, isNull, lt, sql } from 'drizzle-orm';
import { audit, proofNonce } from '../../schema/db/tables.ts';
import type { AuditNote, AuditRow, AuditStore, NonceStore } from '../domain/ports.ts';
import type { BuiltQuery, Database } from './port.ts';
import { build, run, select } from './query.ts';

/** The statement that writes notes to the log, to stand in the batch of their fact; none for no notes. */
export const noteStatements = (notes: readonly AuditNote[]): BuiltQuery[] =>
  notes.length === 0
    ? []
    : [
        build.insert(audit).values(
          notes.map((note) => ({
            time: note.time,
            event: note.event,
            principal: note.principal,
            facts_json: JSON.stringify(note.facts),
          })),
        ),
      ];

const toEntry = ({ facts_json, ...row }: typeof audit.$inferSelect): AuditRow => ({
  ...row,
  facts: JSON.parse(facts_json) as AuditRow['facts'],
});

export function auditStore(database: Database): AuditStore {
  return {
    after: async (seq, limit) => {
      const query = build.select().from(audit).where(gt(audit.seq, seq)).orderBy(asc(audit.seq)).limit(limit);
      return (await select(database, query)).map(toEntry);
    },
    unsealed: async (limit) => {
      const query = build.select().from(audit).where(isNull(audit.hash)).orderBy(asc(audit.seq)).limit(limit);
      return (await select(database, query)).map(toEntry);
    },
    sealedHead: async () => {
      // Sealing goes in order, so the last sealed entry stands right before the first that is not.
      const query = build
        .select({ seq: audit.seq, hash: audit.hash })
        .from(audit)
        .where(isNotNull(audit.hash))
        .orderBy(desc(audit.seq))
        .limit(1);
      const [row] = await select(database, query);
      return row === undefined ? null : { seq: row.seq, hash: row.hash! };
    },
    last: async () => {
      const query = build.select({ seq: audit.seq }).from(audit).orderBy(desc(audit.seq)).limit(1);
      return (await select(database, query))[0]?.seq ?? 0;
    },
    seal: async (seals) => {
      await run(
        database,
        seals.map(({ seq, previous, hash }) =>
          build
            .update(audit)
            .set({ previous, hash })
            .where(and(eq(audit.seq, seq), isNull(audit.hash))),
        ),
      );
    },
    add: async (notes) => {
      if (notes.length > 0) await run(database, noteStatements(notes));
    },
  };
}

export function nonceStore(database: Database): NonceStore {
  return {
    remember: async (kid, nonce, expires) => {
      const [result] = await run(database, [
        build.insert(proofNonce).values({ kid, nonce, expires }).onConflictDoNothing(),
      ]);
      return result!.changes === 1;
    },
    forget: async (expiredBefore) => {
      const old = build
        .select({ found: sql<number>`1`.as('found') })
        .from(proofNonce)
        .where(lt(proofNonce.expires, expiredBefore))
        .limit(1);
      if ((await select(database, old)).length === 0) return;
      await run(database, [build.delete(proofNonce).where(lt(proofNonce.expires, expiredBefore))]);
    },
  };
}

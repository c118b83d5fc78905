import { and, asc, desc, eq, gt, isNotNull, isNull, lt, sql } from 'drizzle-orm';
import { audit, proofNonce } from '../../schema/db/tables.ts';
import type { AuditNote, AuditRow, AuditStore, NonceStore } from '../domain/ports.ts';
import type { BuiltQuery, Database } from './port.ts';
import { build, insertInto, prepared, run, select, slot } from './query.ts';

const insertNote = insertInto(audit, ['time', 'event', 'principal', 'facts_json']);
const selectAfter = prepared(() =>
  build
    .select()
    .from(audit)
    .where(gt(audit.seq, slot('seq')))
    .orderBy(asc(audit.seq))
    .limit(slot('limit')),
);
// Sealing goes in order, so the last sealed entry stands right before the first that is not.
const selectSealedHead = prepared(() =>
  build
    .select({ seq: audit.seq, hash: audit.hash })
    .from(audit)
    .where(isNotNull(audit.hash))
    .orderBy(desc(audit.seq))
    .limit(1),
);
const updateSeal = prepared(() =>
  build
    .update(audit)
    .set({ previous: sql`${slot('previous')}`, hash: sql`${slot('hash')}` })
    .where(and(eq(audit.seq, slot('seq')), isNull(audit.hash))),
);
const selectOldNonce = prepared(() =>
  build
    .select({ found: sql<number>`1`.as('found') })
    .from(proofNonce)
    .where(lt(proofNonce.expires, slot('before')))
    .limit(1),
);

/** The statements that write notes to the log, to stand in the batch of their fact; none for no notes. */
export const noteStatements = (notes: readonly AuditNote[]): BuiltQuery[] =>
  notes.map((note) =>
    insertNote({
      time: note.time,
      event: note.event,
      principal: note.principal,
      facts_json: JSON.stringify(note.facts),
    }),
  );

const toEntry = ({ facts_json, ...row }: typeof audit.$inferSelect): AuditRow => ({
  ...row,
  facts: JSON.parse(facts_json) as AuditRow['facts'],
});

export function auditStore(database: Database): AuditStore {
  return {
    after: async (seq, limit) => {
      return (await select(database, selectAfter({ seq, limit }))).map(toEntry);
    },
    sealedHead: async () => {
      const [row] = await select(database, selectSealedHead({}));
      return row === undefined ? null : { seq: row.seq, hash: row.hash! };
    },
    last: async () => {
      const query = build.select({ seq: audit.seq }).from(audit).orderBy(desc(audit.seq)).limit(1);
      return (await select(database, query))[0]?.seq ?? 0;
    },
    seal: async (seals) => {
      await run(
        database,
        seals.map(({ seq, previous, hash }) => updateSeal({ seq, previous, hash })),
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
      if ((await select(database, selectOldNonce({ before: expiredBefore }))).length === 0) return;
      await run(database, [build.delete(proofNonce).where(lt(proofNonce.expires, expiredBefore))]);
    },
  };
}

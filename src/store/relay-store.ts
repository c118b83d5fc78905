import { and, asc, eq, lt } from 'drizzle-orm';
import { emptyHead } from '../../schema/chain/chain.ts';
import { receipt, relay, relaySession } from '../../schema/db/tables.ts';
import type { Report } from '../../schema/wire/report.ts';
import type { RelayStore } from '../domain/ports.ts';
import type { RelayRecord } from '../domain/world.ts';
import { noteStatements } from './audit-store.ts';
import type { BuiltQuery, Database } from './port.ts';
import { attempt, build, prepared, run, select, slot } from './query.ts';

/** The hash that the first receipt of a chain continues. */
export const emptyReceiptHash = (): Promise<string> => {
  emptyHash ??= emptyHead('receipt').then(({ hash }) => hash);
  return emptyHash;
};
let emptyHash: Promise<string> | undefined;

/** Makes a key's row where there is none yet, so that what follows in the batch finds one. */
export const ensureRelay = (kid: string, name: string, emptyHash: string): BuiltQuery =>
  insertRelay({ kid, name, hash: emptyHash });

const insertRelay = prepared(() =>
  build
    .insert(relay)
    .values({
      kid: slot('kid'),
      name: slot('name'),
      job_seq: 0,
      receipts_seq: 0,
      receipts_hash: slot('hash'),
      report_seq: 0,
    })
    .onConflictDoNothing(),
);

const columns = {
  kid: relay.kid,
  name: relay.name,
  session: relay.session,
  session_at: relay.session_at,
  last_seen: relay.last_seen,
  protocol: relay.protocol,
  trust_version: relay.trust_version,
  receipts_seq: relay.receipts_seq,
  receipts_hash: relay.receipts_hash,
  report_json: relay.report_json,
  report_at: relay.report_at,
};

const selectRelay = prepared(() =>
  build
    .select(columns)
    .from(relay)
    .where(eq(relay.kid, slot('kid'))),
);
const selectRelays = prepared(() => build.select(columns).from(relay).orderBy(asc(relay.name)));
const selectReceipt = prepared(() =>
  build
    .select({ hash: receipt.hash, jws: receipt.jws })
    .from(receipt)
    .where(and(eq(receipt.kid, slot('kid')), eq(receipt.seq, slot('seq')))),
);

/** A report is read many times for each time that it changes. */
type ReportMemory = Map<string, { readonly text: string; readonly report: Report }>;

const readReport = (memory: ReportMemory, kid: string, text: string): Report => {
  const known = memory.get(kid);
  if (known?.text === text) return known.report;
  const report = JSON.parse(text) as Report;
  memory.set(kid, { text, report });
  return report;
};

const toRecord = (
  memory: ReportMemory,
  row: Pick<typeof relay.$inferSelect, keyof typeof columns>,
): RelayRecord => ({
  kid: row.kid,
  name: row.name,
  session: row.session,
  sessionAt: row.session_at,
  lastSeen: row.last_seen,
  protocol: row.protocol,
  trustVersion: row.trust_version,
  receipts: { seq: row.receipts_seq, hash: row.receipts_hash },
  report: row.report_json === null ? null : readReport(memory, row.kid, row.report_json),
  reportAt: row.report_at,
});

export function relayStore(database: Database): RelayStore {
  const memory: ReportMemory = new Map();
  const find = async (kid: string): Promise<RelayRecord | null> => {
    const [row] = await select(database, selectRelay({ kid }));
    return row === undefined ? null : toRecord(memory, row);
  };

  return {
    all: async () => (await select(database, selectRelays({}))).map((row) => toRecord(memory, row)),
    find,
    enter: async ({ kid, name, session, now, protocol, trustVersion }, note) => {
      const known = await find(kid);
      if (known?.session === session) return 'current';
      const taken = await attempt(
        database,
        [
          // The first to name a run makes it the newest; naming it again later is refused by the key.
          build.insert(relaySession).values({ kid, session, first_seen: now }),
          ensureRelay(kid, name, await emptyReceiptHash()),
          build
            .update(relay)
            .set({
              name,
              session,
              session_at: now,
              last_seen: now,
              protocol,
              trust_version: trustVersion,
              job_seq: 0,
            })
            .where(eq(relay.kid, kid)),
          ...noteStatements([note]),
        ],
        { 'relay_session.kid': 'seen' },
      );
      if (taken === null) return 'entered';
      return (await find(kid))?.session === session ? 'current' : 'superseded';
    },
    touch: async (kid, { now, protocol, trustVersion }) => {
      await run(database, [
        build
          .update(relay)
          .set({ last_seen: now, protocol, trust_version: trustVersion })
          .where(eq(relay.kid, kid)),
      ]);
    },
    putReport: async (kid, name, { jws, report, receivedAt }) => {
      const results = await run(database, [
        ensureRelay(kid, name, await emptyReceiptHash()),
        build
          .update(relay)
          .set({
            report_seq: report.seq,
            report_jws: jws,
            report_json: JSON.stringify(report),
            report_at: receivedAt,
            last_seen: receivedAt,
            trust_version: report.trust_version,
          })
          .where(and(eq(relay.kid, kid), lt(relay.report_seq, report.seq))),
      ]);
      return results[1]!.changes === 1;
    },
    reportJws: async (kid) => {
      const query = build.select({ report_jws: relay.report_jws }).from(relay).where(eq(relay.kid, kid));
      return (await select(database, query))[0]?.report_jws ?? null;
    },
    receipt: async (kid, seq) => {
      return (await select(database, selectReceipt({ kid, seq })))[0] ?? null;
    },
  };
}

import { and, asc, eq, exists, getTableColumns, inArray, ne, or, sql } from 'drizzle-orm';
import { intent, receipt, relay, step } from '../../schema/db/tables.ts';
import type { CommandStore, LeasableStep } from '../domain/ports.ts';
import { type StepRow, toIntent, toStep } from './command-rows.ts';
import type { BuiltQuery, Database } from './port.ts';
import { build, inSlot, prepared, run, select, slot } from './query.ts';

const toLeasable = (row: StepRow & { expires: number }): LeasableStep => ({
  ...toStep(row),
  command: row.command,
  expires: row.expires,
  lease:
    row.lease_session === null
      ? null
      : { session: row.lease_session, seq: row.lease_seq!, until: row.lease_until! },
});

const selectActive = prepared(() =>
  build
    .select({
      ...getTableColumns(step),
      expires:
        sql<number>`(SELECT ${intent.expires} FROM ${intent} WHERE ${intent.digest} = ${step.intent})`.as(
          'expires',
        ),
    })
    .from(step)
    .where(
      and(
        or(eq(step.relay, slot('name')), eq(step.target, slot('name'))),
        inArray(step.state, ['queued', 'sent', 'started']),
      ),
    )
    // A command's id tells its time: what was ordered first goes out first.
    .orderBy(asc(step.command), asc(step.attempt), asc(step.step)),
);
const selectIntents = prepared(() => build.select().from(intent).where(inSlot(intent.digest, 'digests')));
const selectPlans = prepared(() =>
  build.select().from(step).where(inSlot(step.intent, 'digests')).orderBy(asc(step.step)),
);
const selectFinals = prepared(() =>
  build
    .select({ intent: receipt.intent, step: receipt.step, jws: receipt.jws })
    .from(receipt)
    .where(and(inSlot(receipt.intent, 'digests'), ne(receipt.state, 'started')))
    .orderBy(asc(receipt.received_at), asc(receipt.seq)),
);

/** Whether a run is its relay's newest. */
export const isNewestRun = and(eq(relay.kid, slot('kid')), eq(relay.session, slot('session')));
/** Gives a run so many more numbers of jobs, above all that it has seen. */
export const raiseJobNumber = prepared(() =>
  build
    .update(relay)
    .set({ job_seq: sql`max(${relay.job_seq}, ${slot('seen')}) + ${slot('count')}` })
    .where(isNewestRun),
);
const leaseStep = prepared(() =>
  build
    .update(step)
    .set({
      state: 'sent',
      sent_at: sql`coalesce(${step.sent_at}, ${slot('now')})`,
      lease_session: sql`${slot('session')}`,
      lease_seq: sql`(SELECT ${relay.job_seq} - ${slot('back')} FROM ${relay} WHERE ${relay.kid} = ${slot('kid')})`,
      lease_until: sql`${slot('until')}`,
    })
    .where(
      and(
        eq(step.intent, slot('intent')),
        eq(step.step, slot('step')),
        inArray(step.state, ['queued', 'sent']),
        sql`${step.lease_seq} IS ${slot('had_seq')}`,
        sql`${step.lease_session} IS ${slot('had_session')}`,
        exists(build.select({ kid: relay.kid }).from(relay).where(isNewestRun)),
      ),
    )
    .returning({ intent: step.intent, step: step.step, seq: sql`${step.lease_seq}`.as('seq') }),
);

/**
 * The statements that lease steps to a run. The first answers nothing; each other answers what it leased.
 */
export const leaseStatements = (lease: {
  readonly kid: string;
  readonly session: string;
  readonly seen: number;
  readonly steps: readonly (Pick<LeasableStep, 'intent' | 'step'> & Partial<Pick<LeasableStep, 'lease'>>)[];
  readonly now: number;
  readonly until: number;
}): BuiltQuery[] => [
  raiseJobNumber({ kid: lease.kid, session: lease.session, seen: lease.seen, count: lease.steps.length }),
  ...lease.steps.map((one, index) =>
    leaseStep({
      kid: lease.kid,
      session: lease.session,
      intent: one.intent,
      step: one.step,
      back: lease.steps.length - 1 - index,
      now: lease.now,
      until: lease.until,
      had_seq: one.lease?.seq ?? null,
      had_session: one.lease?.session ?? null,
    }),
  ),
];

/** What a relay's poll reads and writes of steps and intents. */
export function jobQueries(
  database: Database,
): Pick<CommandStore, 'activeOf' | 'intents' | 'stepsOf' | 'finalReceipts' | 'lease'> {
  return {
    activeOf: async (name) => {
      return (await select(database, selectActive({ name }))).map(toLeasable);
    },
    intents: async (digests) => {
      if (digests.length === 0) return new Map();
      const rows = await select(database, selectIntents({ digests: JSON.stringify(digests) }));
      return new Map(
        rows.map((row) => [
          row.digest,
          { ...toIntent(row), bytes: row.bytes, authorisation: row.authorisation },
        ]),
      );
    },
    stepsOf: async (digests) => {
      const found = new Map<string, ReturnType<typeof toStep>[]>();
      if (digests.length === 0) return found;
      for (const row of await select(database, selectPlans({ digests: JSON.stringify(digests) }))) {
        found.set(row.intent, [...(found.get(row.intent) ?? []), toStep(row)]);
      }
      return found;
    },
    finalReceipts: async (digests) => {
      if (digests.length === 0) return [];
      return select(database, selectFinals({ digests: JSON.stringify(digests) }));
    },
    lease: async (lease) => {
      const results = await run(database, leaseStatements(lease));
      return results.slice(1).flatMap(({ rows }) =>
        rows.map((row) => ({
          intent: String(row.intent),
          step: Number(row.step),
          seq: Number(row.seq),
        })),
      );
    },
  };
}

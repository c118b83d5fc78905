import { and, asc, eq, exists, getTableColumns, inArray, ne, or, sql } from 'drizzle-orm';
import { intent, receipt, relay, step } from '../../schema/db/tables.ts';
import type { CommandStore, LeasableStep } from '../domain/ports.ts';
import { type StepRow, toIntent, toStep } from './command-rows.ts';
import type { Database } from './port.ts';
import { build, run, select } from './query.ts';

const toLeasable = (row: StepRow & { expires: number }): LeasableStep => ({
  ...toStep(row),
  command: row.command,
  expires: row.expires,
  lease:
    row.lease_session === null
      ? null
      : { session: row.lease_session, seq: row.lease_seq!, until: row.lease_until! },
});

/** What a relay's poll reads and writes of steps and intents. */
export function jobQueries(
  database: Database,
): Pick<CommandStore, 'activeOf' | 'intents' | 'stepsOf' | 'finalReceipts' | 'lease'> {
  return {
    activeOf: async (name) => {
      const query = build
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
            or(eq(step.relay, name), eq(step.target, name)),
            inArray(step.state, ['queued', 'sent', 'started']),
          ),
        )
        // A command's id tells its time: what was ordered first goes out first.
        .orderBy(asc(step.command), asc(step.attempt), asc(step.step));
      return (await select(database, query)).map(toLeasable);
    },
    intents: async (digests) => {
      if (digests.length === 0) return new Map();
      const query = build
        .select()
        .from(intent)
        .where(inArray(intent.digest, [...digests]));
      const rows = await select(database, query);
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
      const query = build
        .select()
        .from(step)
        .where(inArray(step.intent, [...digests]))
        .orderBy(asc(step.step));
      for (const row of await select(database, query)) {
        found.set(row.intent, [...(found.get(row.intent) ?? []), toStep(row)]);
      }
      return found;
    },
    finalReceipts: async (digests) => {
      if (digests.length === 0) return [];
      const query = build
        .select({ intent: receipt.intent, step: receipt.step, jws: receipt.jws })
        .from(receipt)
        .where(and(inArray(receipt.intent, [...digests]), ne(receipt.state, 'started')))
        .orderBy(asc(receipt.received_at), asc(receipt.seq));
      return select(database, query);
    },
    lease: async ({ kid, session, steps, now, until }) => {
      const newest = and(eq(relay.kid, kid), eq(relay.session, session));
      const results = await run(database, [
        build
          .update(relay)
          .set({ job_seq: sql`${relay.job_seq} + ${steps.length}` })
          .where(newest),
        ...steps.map((one, index) =>
          build
            .update(step)
            .set({
              state: 'sent',
              sent_at: sql`coalesce(${step.sent_at}, ${now})`,
              lease_session: session,
              lease_seq: sql`(SELECT ${relay.job_seq} - ${steps.length - 1 - index} FROM ${relay} WHERE ${relay.kid} = ${kid})`,
              lease_until: until,
            })
            .where(
              and(
                eq(step.intent, one.intent),
                eq(step.step, one.step),
                inArray(step.state, ['queued', 'sent']),
                sql`${step.lease_seq} IS ${one.lease?.seq ?? null}`,
                sql`${step.lease_session} IS ${one.lease?.session ?? null}`,
                exists(build.select({ kid: relay.kid }).from(relay).where(newest)),
              ),
            )
            .returning({ intent: step.intent, step: step.step, seq: sql`${step.lease_seq}`.as('seq') }),
        ),
      ]);
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

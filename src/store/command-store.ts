import { and, asc, count, desc, eq, inArray, isNotNull, lt, lte, min, sql } from 'drizzle-orm';
import { type Lock, locksConflict } from '../../schema/actions/action.ts';
import type { CommandState, Order } from '../../schema/api/orders.ts';
import { approval, command, heldLock, intent, receipt, relay, step } from '../../schema/db/tables.ts';
import type { Command, IntentRecord, StepRecord } from '../domain/command.ts';
import type { Acceptance, CommandStore, StoredReceipt } from '../domain/ports.ts';
import { noteStatements } from './audit-store.ts';
import {
  attemptStatements,
  type CommandRow,
  changeStatement,
  intentColumns,
  lockStatements,
  toCommand,
  toIntent,
  toStep,
  updateStatements,
} from './command-rows.ts';
import { deploymentStatements } from './deployment-rows.ts';
import { findIdempotent, forgetIdempotency, idempotencyStatements, idempotencyTaken } from './idempotency.ts';
import { jobQueries, leaseStatements } from './job-queries.ts';
import type { BuiltQuery, Database } from './port.ts';
import { attempt, build, inSlot, insertInto, prepared, select, slot } from './query.ts';
import { emptyReceiptHash, ensureRelay } from './relay-store.ts';

const groupBy = <T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
};

const insertReceipt = insertInto(receipt);
const insertCommand = insertInto(command);
const insertApproval = insertInto(approval);
const selectWaiting = prepared(() => build.select().from(approval).orderBy(desc(approval.command)));
const commandStatement = (made: Acceptance['command']): BuiltQuery =>
  insertCommand({
    id: made.id,
    order_json: JSON.stringify(made.order),
    state: made.state,
    code: made.code,
    principal: made.principal,
    created_at: made.createdAt,
    ended_at: made.endedAt,
    due_at: made.dueAt,
    revision: 1,
  });
const selectCommand = prepared(() =>
  build
    .select()
    .from(command)
    .where(eq(command.id, slot('id'))),
);
const selectIntents = prepared(() =>
  build
    .select(intentColumns)
    .from(intent)
    .where(inSlot(intent.command, 'commands'))
    .orderBy(asc(intent.attempt)),
);
const selectSteps = prepared(() =>
  build
    .select()
    .from(step)
    .where(inSlot(step.command, 'commands'))
    .orderBy(asc(step.attempt), asc(step.step)),
);
const selectByIntent = prepared(() =>
  build
    .select()
    .from(command)
    .where(
      eq(
        command.id,
        sql`(SELECT ${intent.command} FROM ${intent} WHERE ${intent.digest} = ${slot('digest')})`,
      ),
    ),
);
const selectState = prepared(() =>
  build
    .select({ state: command.state })
    .from(command)
    .where(eq(command.id, slot('id'))),
);
const selectReceipts = prepared(() =>
  build
    .select({ command: intent.command, jws: receipt.jws })
    .from(receipt)
    .innerJoin(intent, eq(intent.digest, receipt.intent))
    .where(inSlot(intent.command, 'commands'))
    .orderBy(asc(receipt.received_at), asc(receipt.seq)),
);
const selectOverdue = prepared(() =>
  build
    .select({ id: command.id })
    .from(command)
    .where(lte(command.due_at, slot('now')))
    .orderBy(asc(command.due_at))
    .limit(100),
);
const selectNextDue = prepared(() =>
  build
    .select({ due: min(command.due_at).as('due') })
    .from(command)
    .where(isNotNull(command.due_at)),
);

const receiptStatement = ({ kid, hash, jws, receivedAt, receipt: said }: StoredReceipt): BuiltQuery =>
  insertReceipt({
    kid,
    seq: said.seq,
    relay: said.relay,
    previous: said.previous,
    hash,
    intent: said.intent,
    step: said.step,
    state: said.state,
    jws,
    received_at: receivedAt,
  });

export function commandStore(database: Database): CommandStore {
  const complete = async (rows: readonly CommandRow[]): Promise<Command[]> => {
    if (rows.length === 0) return [];
    const commands = JSON.stringify(rows.map((row) => row.id));
    const [intentRows, stepRows] = await Promise.all([
      select(database, selectIntents({ commands })),
      select(database, selectSteps({ commands })),
    ]);
    const intents = groupBy(intentRows, (row) => row.command);
    const steps = groupBy(stepRows, (row) => row.command);
    return rows.map((row) =>
      toCommand(
        row,
        (intents.get(row.id) ?? []).map(toIntent) satisfies IntentRecord[],
        (steps.get(row.id) ?? []).map(toStep) satisfies StepRecord[],
      ),
    );
  };

  const first = async (query: ReturnType<typeof selectCommand>): Promise<Command | null> =>
    (await complete(await select(database, query)))[0] ?? null;

  return {
    ...jobQueries(database),

    accept: async (acceptance) => {
      const { command: made, intent: signed, steps, locks, idempotency, note } = acceptance;
      const refusal = await attempt(
        database,
        [
          ...idempotencyStatements(idempotency, made.id, acceptance.now),
          acceptance.approves === null
            ? commandStatement(made)
            : changeStatement({ ...made, revision: acceptance.approves }),
          ...attemptStatements(made.id, signed, steps),
          ...lockStatements(made.id, locks),
          ...noteStatements([note]),
          ...[...acceptance.waiting].flatMap(([name, run]) => {
            const queued = steps.filter((one) => one.relay === name && one.state === 'queued');
            const lease = { ...run, steps: queued, now: acceptance.now, until: acceptance.leaseUntil };
            return queued.length === 0 ? [] : leaseStatements(lease);
          }),
        ],
        {
          ...idempotencyTaken,
          lock_conflict: 'locked',
          'intent.digest': 'intent_used',
          stale: 'stale',
        } as const,
      );
      return refusal ?? 'accepted';
    },
    ask: async ({ command: made, waiting, idempotency, note }) => {
      const refusal = await attempt(
        database,
        [
          ...idempotencyStatements(idempotency, made.id, made.createdAt),
          commandStatement(made),
          insertApproval({ command: made.id, ...waiting }),
          ...noteStatements([note]),
        ],
        { ...idempotencyTaken, approvals_full: 'approvals_full' } as const,
      );
      return refusal ?? 'asked';
    },
    waiting: () => select(database, selectWaiting({})),

    load: (id) => first(selectCommand({ id })),
    loadByIntent: (digest) => first(selectByIntent({ digest })),
    stateOf: async (id) =>
      ((await select(database, selectState({ id })))[0]?.state ?? null) as CommandState | null,
    list: async ({ states, before, limit }) => {
      const query = build
        .select()
        .from(command)
        .where(
          and(
            states === null ? undefined : inArray(command.state, [...states]),
            before === null ? undefined : lt(command.id, before),
          ),
        )
        .orderBy(desc(command.id))
        .limit(limit);
      return complete(await select(database, query));
    },
    receiptsOf: async (commands) => {
      if (commands.length === 0) return new Map();
      const rows = await select(database, selectReceipts({ commands: JSON.stringify(commands) }));
      const groups = groupBy(rows, (row) => row.command);
      return new Map([...groups].map(([id, group]) => [id, group.map((row) => row.jws)]));
    },

    holderOf: async (locks) => {
      if (locks.length === 0) return null;
      const rows = await select(
        database,
        build
          .select()
          .from(heldLock)
          .where(
            inArray(
              heldLock.thing,
              locks.map((lock) => lock.on),
            ),
          ),
      );
      const holder = rows.find((row) =>
        locks.some((lock) => locksConflict(lock, { on: row.thing, mode: row.mode as Lock['mode'] })),
      );
      if (holder === undefined) return null;
      const found = await select(
        database,
        build
          .select({ id: command.id, principal: command.principal, order_json: command.order_json })
          .from(command)
          .where(eq(command.id, holder.command)),
      );
      const row = found[0];
      return row === undefined
        ? null
        : { command: row.id, principal: row.principal, order: JSON.parse(row.order_json) as Order };
    },
    held: async () => {
      const query = build.select({ thing: heldLock.thing, command: heldLock.command }).from(heldLock);
      return (await select(database, query)).map(({ thing, command: id }) => ({ on: thing, command: id }));
    },

    idempotent: (principal, key) => findIdempotent(database, principal, key),
    forgetIdempotency: (before) => forgetIdempotency(database, before),

    update: async (update) =>
      (await attempt(database, updateStatements(update), { stale: 'stale' } as const)) ?? 'updated',
    addReceipt: async (stored, update, notes) => {
      const refusal = await attempt(
        database,
        [
          ensureRelay(stored.kid, stored.receipt.relay, await emptyReceiptHash()),
          ...(stored.lost === undefined
            ? []
            : [
                build
                  .update(relay)
                  .set({ receipts_seq: stored.receipt.seq - 1, receipts_hash: stored.receipt.previous })
                  .where(and(eq(relay.kid, stored.kid), eq(relay.receipts_seq, stored.lost.after))),
              ]),
          receiptStatement(stored),
          ...(update === null
            ? []
            : 'command' in update
              ? updateStatements(update)
              : deploymentStatements(update)),
          ...noteStatements(notes),
        ],
        { stale: 'stale', receipt_chain: 'chain', 'receipt.kid': 'chain' } as const,
      );
      return refusal ?? 'stored';
    },

    overdue: async (now) => {
      return (await select(database, selectOverdue({ now }))).map((row) => row.id);
    },
    nextDue: async () => {
      return (await select(database, selectNextDue({})))[0]?.due ?? null;
    },
    countByState: async () => {
      const query = build
        .select({ state: command.state, count: count().as('count') })
        .from(command)
        .groupBy(command.state);
      return new Map(
        (await select(database, query)).map((row) => [row.state as CommandState, row.count] as const),
      );
    },
    queue: async () => {
      const query = build
        .select({
          count: count().as('count'),
          oldest: sql<number | null>`min(${step.queued_at})`.as('oldest'),
        })
        .from(step)
        .where(eq(step.state, 'queued'));
      const [row] = await select(database, query);
      return { count: row?.count ?? 0, oldestAt: row?.oldest ?? null };
    },
  };
}

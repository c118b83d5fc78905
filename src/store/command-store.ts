import { and, asc, count, desc, eq, inArray, isNotNull, lt, lte, min, sql } from 'drizzle-orm';
import { type Lock, locksConflict } from '../../schema/actions/action.ts';
import type { CommandState, Order } from '../../schema/api/orders.ts';
import { command, heldLock, intent, receipt, step } from '../../schema/db/tables.ts';
import type { Command, IntentRecord, StepRecord } from '../domain/command.ts';
import type { CommandStore, StoredReceipt } from '../domain/ports.ts';
import { noteStatements } from './audit-store.ts';
import {
  attemptStatements,
  type CommandRow,
  intentColumns,
  lockStatements,
  toCommand,
  toIntent,
  toStep,
  updateStatements,
} from './command-rows.ts';
import { findIdempotent, forgetIdempotency, idempotencyStatements, idempotencyTaken } from './idempotency.ts';
import { jobQueries } from './job-queries.ts';
import type { BuiltQuery, Database } from './port.ts';
import { attempt, build, select } from './query.ts';
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

const receiptStatement = ({ kid, hash, jws, receivedAt, receipt: said }: StoredReceipt): BuiltQuery =>
  build.insert(receipt).values({
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
    const ids = rows.map((row) => row.id);
    const [intentRows, stepRows] = await Promise.all([
      select(
        database,
        build
          .select(intentColumns)
          .from(intent)
          .where(inArray(intent.command, ids))
          .orderBy(asc(intent.attempt)),
      ),
      select(
        database,
        build
          .select()
          .from(step)
          .where(inArray(step.command, ids))
          .orderBy(asc(step.attempt), asc(step.step)),
      ),
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

  const load = async (id: string): Promise<Command | null> => {
    const rows = await select(database, build.select().from(command).where(eq(command.id, id)));
    return (await complete(rows))[0] ?? null;
  };

  return {
    ...jobQueries(database),

    accept: async ({ command: made, intent: signed, steps, locks, idempotency, note }) => {
      const refusal = await attempt(
        database,
        [
          ...idempotencyStatements(idempotency, made.id, made.createdAt),
          build.insert(command).values({
            id: made.id,
            order_json: JSON.stringify(made.order),
            state: made.state,
            code: made.code,
            principal: made.principal,
            created_at: made.createdAt,
            ended_at: made.endedAt,
            due_at: made.dueAt,
            revision: 1,
          }),
          ...attemptStatements(made.id, signed, steps),
          ...lockStatements(made.id, locks),
          ...noteStatements([note]),
        ],
        { ...idempotencyTaken, lock_conflict: 'locked', 'intent.digest': 'intent_used' } as const,
      );
      return refusal ?? 'accepted';
    },

    load,
    loadByIntent: async (digest) => {
      const query = build.select({ command: intent.command }).from(intent).where(eq(intent.digest, digest));
      const [row] = await select(database, query);
      return row === undefined ? null : load(row.command);
    },
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
      const owners = await select(
        database,
        build
          .select({ digest: intent.digest, command: intent.command })
          .from(intent)
          .where(inArray(intent.command, [...commands])),
      );
      const ownerOf = new Map(owners.map((row) => [row.digest, row.command]));
      if (ownerOf.size === 0) return new Map();
      const rows = await select(
        database,
        build
          .select({ intent: receipt.intent, jws: receipt.jws })
          .from(receipt)
          .where(inArray(receipt.intent, [...ownerOf.keys()]))
          .orderBy(asc(receipt.received_at), asc(receipt.seq)),
      );
      const groups = groupBy(rows, (row) => ownerOf.get(row.intent)!);
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
          receiptStatement(stored),
          ...(update === null ? [] : updateStatements(update)),
          ...noteStatements(notes),
        ],
        { stale: 'stale', receipt_chain: 'chain', 'receipt.kid': 'chain' } as const,
      );
      return refusal ?? 'stored';
    },

    overdue: async (now) => {
      const query = build
        .select({ id: command.id })
        .from(command)
        .where(lte(command.due_at, now))
        .orderBy(asc(command.due_at))
        .limit(100);
      return (await select(database, query)).map((row) => row.id);
    },
    nextDue: async () => {
      const query = build
        .select({ due: min(command.due_at).as('due') })
        .from(command)
        .where(isNotNull(command.due_at));
      return (await select(database, query))[0]?.due ?? null;
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

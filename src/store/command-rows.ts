import { and, eq } from 'drizzle-orm';
import type { Lock } from '../../schema/actions/action.ts';
import type { CommandState, Order, StepState } from '../../schema/api/orders.ts';
import { command, heldLock, intent, step } from '../../schema/db/tables.ts';
import type { After } from '../../schema/wire/intent.ts';
import type { Command, IntentRecord, StepRecord, StepResult } from '../domain/command.ts';
import type { CommandUpdate, SignedIntent } from '../domain/ports.ts';
import { noteStatements } from './audit-store.ts';
import type { BuiltQuery } from './port.ts';
import { build } from './query.ts';

export type CommandRow = typeof command.$inferSelect;
export type StepRow = typeof step.$inferSelect;
export type IntentRow = Omit<typeof intent.$inferSelect, 'bytes' | 'authorisation'>;

export const intentColumns = {
  digest: intent.digest,
  command: intent.command,
  attempt: intent.attempt,
  signer: intent.signer,
  issued_at: intent.issued_at,
  expires: intent.expires,
};

export const toIntent = (row: IntentRow): IntentRecord => ({
  digest: row.digest,
  attempt: row.attempt,
  signer: row.signer,
  issuedAt: row.issued_at,
  expires: row.expires,
});

export const toStep = (row: StepRow): StepRecord => ({
  intent: row.intent,
  attempt: row.attempt,
  step: row.step,
  relay: row.relay,
  action: row.action,
  target: row.target,
  params: JSON.parse(row.params_json) as Record<string, unknown>,
  after: JSON.parse(row.after_json) as After[],
  state: row.state as StepState,
  code: row.code,
  result: row.result_json === null ? null : (JSON.parse(row.result_json) as StepResult),
  receipted: row.receipted === 1,
  queuedAt: row.queued_at,
  sentAt: row.sent_at,
  startedAt: row.started_at,
  endedAt: row.ended_at,
});

export const toCommand = (
  row: CommandRow,
  intents: readonly IntentRecord[],
  steps: readonly StepRecord[],
): Command => ({
  id: row.id,
  order: JSON.parse(row.order_json) as Order,
  state: row.state as CommandState,
  code: row.code,
  principal: row.principal,
  createdAt: row.created_at,
  endedAt: row.ended_at,
  dueAt: row.due_at,
  revision: row.revision,
  intents,
  steps,
});

/** The statements that store an attempt. */
export const attemptStatements = (
  id: string,
  signed: SignedIntent,
  steps: readonly StepRecord[],
): BuiltQuery[] => [
  build.insert(intent).values({
    digest: signed.digest,
    command: id,
    attempt: signed.attempt,
    bytes: signed.bytes,
    authorisation: signed.authorisation,
    signer: signed.signer,
    issued_at: signed.issuedAt,
    expires: signed.expires,
  }),
  build.insert(step).values(
    steps.map((one) => ({
      intent: one.intent,
      step: one.step,
      command: id,
      attempt: one.attempt,
      relay: one.relay,
      action: one.action,
      target: one.target,
      params_json: JSON.stringify(one.params),
      after_json: JSON.stringify(one.after),
      state: one.state,
      code: one.code,
      result_json: one.result === null ? null : JSON.stringify(one.result),
      receipted: one.receipted ? 1 : 0,
      queued_at: one.queuedAt,
      sent_at: one.sentAt,
      started_at: one.startedAt,
      ended_at: one.endedAt,
    })),
  ),
];

export const lockStatements = (id: string, locks: readonly Lock[]): BuiltQuery[] =>
  locks.length === 0
    ? []
    : [
        build
          .insert(heldLock)
          .values(locks.map((lock) => ({ thing: lock.on, command: id, mode: lock.mode }))),
      ];

/** The statements of a change. The first aborts the batch when the command was changed since it was read. */
export function updateStatements(update: CommandUpdate): BuiltQuery[] {
  const { command: changed, steps, release, next, notes } = update;
  return [
    build
      .update(command)
      .set({
        state: changed.state,
        code: changed.code,
        ended_at: changed.endedAt,
        due_at: changed.dueAt,
        revision: changed.revision + 1,
      })
      .where(eq(command.id, changed.id)),
    ...steps.map((one) =>
      build
        .update(step)
        .set({
          state: one.state,
          code: one.code,
          result_json: one.result === null ? null : JSON.stringify(one.result),
          receipted: one.receipted ? 1 : 0,
          queued_at: one.queuedAt,
          started_at: one.startedAt,
          ended_at: one.endedAt,
        })
        .where(and(eq(step.intent, one.intent), eq(step.step, one.step))),
    ),
    ...(release ? [build.delete(heldLock).where(eq(heldLock.command, changed.id))] : []),
    ...(next === null ? [] : attemptStatements(changed.id, next.intent, next.steps)),
    ...noteStatements(notes),
  ];
}

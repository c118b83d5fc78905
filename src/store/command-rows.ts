import { and, eq } from 'drizzle-orm';
import type { Lock } from '../../schema/actions/action.ts';
import type { CommandState, Order, StepState } from '../../schema/api/orders.ts';
import { command, heldLock, intent, step } from '../../schema/db/tables.ts';
import type { After } from '../../schema/wire/intent.ts';
import type { Command, IntentRecord, StepRecord, StepResult } from '../domain/command.ts';
import type { CommandUpdate, SignedIntent } from '../domain/ports.ts';
import { noteStatements } from './audit-store.ts';
import type { BuiltQuery } from './port.ts';
import { build, insertInto, prepared, slot, slotsOf } from './query.ts';

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

const insertIntent = insertInto(intent);
const insertStep = insertInto(step, [
  'intent',
  'step',
  'command',
  'attempt',
  'relay',
  'action',
  'target',
  'params_json',
  'after_json',
  'state',
  'code',
  'result_json',
  'receipted',
  'queued_at',
  'sent_at',
  'started_at',
  'ended_at',
]);
const insertLock = insertInto(heldLock);
const updateCommand = prepared(() =>
  build
    .update(command)
    .set(slotsOf(['state', 'code', 'ended_at', 'due_at', 'revision']))
    .where(eq(command.id, slot('id'))),
);
const updateStep = prepared(() =>
  build
    .update(step)
    .set(slotsOf(['state', 'code', 'result_json', 'receipted', 'queued_at', 'started_at', 'ended_at']))
    .where(and(eq(step.intent, slot('intent')), eq(step.step, slot('step')))),
);
const deleteLocks = prepared(() => build.delete(heldLock).where(eq(heldLock.command, slot('command'))));

/** The statements that store an attempt. */
export const attemptStatements = (
  id: string,
  signed: SignedIntent,
  steps: readonly StepRecord[],
): BuiltQuery[] => [
  insertIntent({
    digest: signed.digest,
    command: id,
    attempt: signed.attempt,
    bytes: signed.bytes,
    authorisation: signed.authorisation,
    signer: signed.signer,
    issued_at: signed.issuedAt,
    expires: signed.expires,
  }),
  ...steps.map((one) =>
    insertStep({
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
    }),
  ),
];

export const lockStatements = (id: string, locks: readonly Lock[]): BuiltQuery[] =>
  locks.map((lock) => insertLock({ thing: lock.on, command: id, mode: lock.mode }));

/** The statement that changes a command; it aborts the batch when the command was changed since it was read. */
export const changeStatement = (
  changed: Pick<Command, 'id' | 'state' | 'code' | 'endedAt' | 'dueAt' | 'revision'>,
): BuiltQuery =>
  updateCommand({
    id: changed.id,
    state: changed.state,
    code: changed.code,
    ended_at: changed.endedAt,
    due_at: changed.dueAt,
    revision: changed.revision + 1,
  });

/** The statements of a change. The first aborts the batch when the command was changed since it was read. */
export function updateStatements(update: CommandUpdate): BuiltQuery[] {
  const { command: changed, steps, release, next, notes } = update;
  return [
    changeStatement(changed),
    ...steps.map((one) =>
      updateStep({
        intent: one.intent,
        step: one.step,
        state: one.state,
        code: one.code,
        result_json: one.result === null ? null : JSON.stringify(one.result),
        receipted: one.receipted ? 1 : 0,
        queued_at: one.queuedAt,
        started_at: one.startedAt,
        ended_at: one.endedAt,
      }),
    ),
    ...(release ? [deleteLocks({ command: changed.id })] : []),
    ...(next === null ? [] : attemptStatements(changed.id, next.intent, next.steps)),
    ...noteStatements(notes),
  ];
}

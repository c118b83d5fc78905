import type { CommandView, StepView } from '../../schema/api/orders.ts';
import type { Command, StepRecord } from '../domain/command.ts';
import { commandSentence, type Names } from '../domain/sentence.ts';
import type { ControlDeps } from './deps.ts';

const stepView = (step: StepRecord): StepView => ({
  attempt: step.attempt,
  step: step.step,
  relay: step.relay,
  action: step.action,
  target: step.target,
  state: step.state,
  code: step.code,
  result: step.result,
  started_at: step.startedAt,
  ended_at: step.endedAt,
});

/** A command as callers see it. */
export const commandView = (command: Command, receipts: readonly string[], names: Names): CommandView => ({
  id: command.id,
  order: command.order,
  state: command.state,
  code: command.code,
  sentence: commandSentence(command, names),
  principal: command.principal,
  created_at: command.createdAt,
  ended_at: command.endedAt,
  intents: command.intents.map((intent) => intent.digest),
  steps: command.steps.map(stepView),
  receipts: [...receipts],
});

/** Commands as callers see them, with their receipts read from the store. */
export async function commandViews(
  deps: Pick<ControlDeps, 'store'>,
  commands: readonly Command[],
  names: Names,
): Promise<CommandView[]> {
  const receipts = await deps.store.commands.receiptsOf(commands.map((command) => command.id));
  return commands.map((command) => commandView(command, receipts.get(command.id) ?? [], names));
}

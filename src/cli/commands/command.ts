import * as v from 'valibot';
import { commandListSchema, commandViewSchema } from '../../../schema/api/orders.ts';
import { commandIdSchema } from '../../../schema/wire/ids.ts';
import { inWords, orderInWords } from '../check-plan.ts';
import { defineCommand } from '../command.ts';
import { exitOfState } from '../order.ts';
import { done, exits, fail } from '../outcome.ts';
import { openSession, refreshTrust } from '../session.ts';
import { ago, localTime, table } from '../text.ts';
import { proveCommand } from '../verify-receipts.ts';

export const command = defineCommand({
  name: 'command',
  summary: 'List the latest commands, or tell one with its steps and what relays signed',
  usage: '[ID]',
  examples: [
    { line: 'writ command', about: 'the latest commands, the newest first' },
    {
      line: 'writ command cmd_01K…',
      about: 'steps, outcome, and whether its receipts verify; exits as its outcome is',
    },
  ],
  options: {},
  async run(context, [id]) {
    const session = await openSession(context);
    if (!session.ok) return session;
    const { api } = session.value;
    if (id === undefined) {
      const list = await api.call({ method: 'GET', url: '/v1/commands', answer: commandListSchema });
      if (!list.ok) return list;
      const rows = list.value.commands.map((one) => [
        one.id,
        ago(context.now() - one.created_at),
        one.principal,
        orderInWords(one),
        one.state,
      ]);
      return done(rows.length === 0 ? 'There is no command yet.' : table(rows), list.value);
    }
    if (!v.is(commandIdSchema, id)) {
      return fail(exits.usage, 'id_invalid', `${id} is no command's id. They are listed by: writ command`);
    }
    const answer = await api.call({ method: 'GET', url: `/v1/commands/${id}`, answer: commandViewSchema });
    if (!answer.ok) return answer;
    const trust = await refreshTrust(session.value);
    if (!trust.ok) return trust;
    const view = answer.value;
    const { steps, unproven, leavesOut } = await proveCommand(trust.value, view);
    if (unproven.length > 0) {
      return fail(
        exits.refused,
        'outcome_unproven',
        `The control plane says of ${id} what no relay of your trust document has signed: ${unproven.map(({ step, claimed, proven }) => `step ${step} ${claimed}, signed ${proven ?? 'nothing'}`).join('; ')}. It was not believed.`,
      );
    }
    if (leavesOut) {
      return fail(
        exits.refused,
        'outcome_unproven',
        `The control plane says that ${id} succeeded, but its steps do not hold what was ordered: ${orderInWords(view)}. It was not believed.`,
      );
    }
    const rows = view.steps.map((step, index) => [
      `  ${step.attempt > 0 ? `attempt ${step.attempt + 1}: ` : ''}${inWords(step)}`,
      `${step.state}${step.code === null ? '' : ` (${step.code})`}`,
      `by ${step.relay}`,
      steps[index]?.proven === null ? '' : 'signed',
    ]);
    const text = [
      `${view.id}: ${view.state}. ${view.sentence}`,
      `Ordered by ${view.principal} at ${localTime(view.created_at)}.`,
      table(rows),
    ].join('\n');
    return done(text, { command: view, proven: steps }, exitOfState[view.state]);
  },
});

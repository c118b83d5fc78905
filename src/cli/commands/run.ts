import * as v from 'valibot';
import { runbookListSchema } from '../../../schema/api/house.ts';
import { nameSchema } from '../../../schema/wire/ids.ts';
import { type Context, defineCommand } from '../command.ts';
import { giveOrder, orderOptions } from '../order.ts';
import { type Done, done, exits, type Failure, fail } from '../outcome.ts';
import { openSession } from '../session.ts';
import { table } from '../text.ts';

export const run = defineCommand({
  name: 'run',
  summary: 'Run a runbook of the house, after showing its steps; without a name, list them',
  usage: '[RUNBOOK]',
  examples: [
    { line: 'writ run', about: 'the runbooks that there are' },
    { line: 'writ run start-gaming', about: 'shows the steps, asks, and follows them' },
    { line: 'writ run start-gaming --yes --json', about: 'for scripts' },
  ],
  options: orderOptions,
  run: async (context, [runbook], values) =>
    runbook === undefined
      ? list(context)
      : giveOrder(
          context,
          () =>
            v.is(nameSchema, runbook)
              ? { ok: true, value: { runbook } }
              : fail(exits.usage, 'runbook_unknown', `${runbook} cannot be the name of a runbook.`),
          values,
        ),
});

async function list(context: Context): Promise<Done | Failure> {
  const session = await openSession(context);
  if (!session.ok) return session;
  const answer = await session.value.api.call({
    method: 'GET',
    url: '/v1/runbooks',
    answer: runbookListSchema,
  });
  if (!answer.ok) return answer;
  const { runbooks } = answer.value;
  const text =
    runbooks.length === 0
      ? 'The house has no runbook.'
      : table(runbooks.map(({ name, title }) => [name, title]));
  return done(text, answer.value);
}

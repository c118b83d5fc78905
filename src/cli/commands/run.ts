import * as v from 'valibot';
import { runbookListSchema } from '../../../schema/api/house.ts';
import type { Order } from '../../../schema/api/orders.ts';
import { didYouMean } from '../../../schema/near.ts';
import { findGrant } from '../../../schema/trust/evaluate.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import { commandActionType, nameSchema } from '../../../schema/wire/ids.ts';
import { grantedCommands, judgeCommandName } from '../app-commands.ts';
import { type Context, defineCommand } from '../command.ts';
import { giveOrder, orderOptions } from '../order.ts';
import { type Done, done, exits, type Failure, fail } from '../outcome.ts';
import { openSession } from '../session.ts';
import { table } from '../text.ts';

export const run = defineCommand({
  name: 'run',
  summary: 'Run a runbook of the house, or a command that an app declares; without a name, list the runbooks',
  usage: '[RUNBOOK|COMMAND]',
  more: [
    'The steps of a runbook are shown first. A command of an app is told by its full name, GUEST/APP/COMMAND, by which trust must grant it (writ trust command); what runs is what the release in force on that guest declares.',
  ],
  examples: [
    { line: 'writ run', about: 'the runbooks that there are' },
    { line: 'writ run start-gaming', about: 'shows the steps, asks, and follows them' },
    { line: 'writ run start-gaming --yes --json', about: 'for scripts' },
    { line: 'writ run websvcs/wiki/reindex', about: 'a command of the app wiki on websvcs' },
  ],
  options: orderOptions,
  run: async (context, [runbook], values) =>
    runbook?.includes('/')
      ? giveOrder(context, (trust, signer) => commandOrder(trust, signer, runbook), values)
      : runbook === undefined
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

/** The order of a command of an app, once it is one that can be given. */
function commandOrder(trust: Trust, signer: string, name: string): { ok: true; value: Order } | Failure {
  const fits = judgeCommandName(trust.document, name);
  if (!fits.ok) return { ...fits, detail: `${fits.detail} Nothing was ordered.` };
  if (findGrant(trust, signer, commandActionType, name) === null) {
    const near = didYouMean(name, grantedCommands(trust.document));
    return fail(
      exits.refused,
      'not_granted',
      `Trust does not grant you ${name}.${near} Nothing was ordered. To grant it: writ trust command ${name}`,
    );
  }
  return { ok: true, value: { action: commandActionType, target: name, params: {} } };
}

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

import * as v from 'valibot';
import { nameSchema } from '../../../schema/wire/ids.ts';
import { defineCommand } from '../command.ts';
import { giveOrder, orderOptions } from '../order.ts';
import { exits, fail } from '../outcome.ts';

export const run = defineCommand({
  name: 'run',
  summary: 'Run a runbook of the house, after showing its steps',
  usage: 'RUNBOOK',
  examples: [
    { line: 'writ run start-gaming', about: 'shows the steps, asks, and follows them' },
    { line: 'writ run start-gaming --yes --json', about: 'for scripts' },
  ],
  options: orderOptions,
  run: (context, [runbook = ''], values) =>
    giveOrder(
      context,
      () =>
        v.is(nameSchema, runbook)
          ? { ok: true, value: { runbook } }
          : fail(exits.usage, 'runbook_unknown', `${runbook} cannot be the name of a runbook.`),
      values,
    ),
});

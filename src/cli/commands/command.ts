import * as v from 'valibot';
import { commandListSchema, commandStates, commandViewSchema } from '../../../schema/api/orders.ts';
import { commandIdSchema } from '../../../schema/wire/ids.ts';
import type { Receipt } from '../../../schema/wire/receipt.ts';
import { inWords, orderInWords } from '../check-plan.ts';
import { defineCommand } from '../command.ts';
import { excerptOptions, logOf, openExcerpts, saidLines } from '../deploy/excerpts.ts';
import { exitOfState } from '../order.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { openSession, refreshTrust } from '../session.ts';
import { ago, localTime, table } from '../text.ts';
import { proveCommand } from '../verify-receipts.ts';

const listedOr = (words: readonly string[]): string => `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;

/** The list's query as typed, or what is wrong with it; empty without any. */
function queryOf({
  state,
  limit,
  before,
}: {
  readonly state: string | undefined;
  readonly limit: string | undefined;
  readonly before: string | undefined;
}): { ok: true; value: string } | Failure {
  if (state !== undefined && !commandStates.some((known) => known === state)) {
    return fail(exits.usage, 'state_unknown', `--state is one of ${listedOr(commandStates)}.`);
  }
  if (limit !== undefined && !/^(?:[1-9]\d?|1\d\d|200)$/.test(limit)) {
    return fail(exits.usage, 'limit_invalid', '--limit is a whole number from 1 to 200.');
  }
  if (before !== undefined && !v.is(commandIdSchema, before)) {
    return fail(exits.usage, 'id_invalid', `${before} is no command's id.`);
  }
  const given = Object.entries({ state, limit, before }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  return { ok: true, value: given.length === 0 ? '' : `?${given.join('&')}` };
}

/** With what a command of an app ended, as its relay signed. */
const exitText = (receipt: Receipt | null | undefined): string =>
  receipt?.state === 'failed' && typeof receipt.result?.exit === 'number'
    ? `, exit code ${receipt.result.exit}`
    : '';

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
    { line: 'writ command --state failed --limit 10', about: 'the latest that failed' },
  ],
  options: {
    state: {
      type: 'text',
      value: 'STATE',
      about: `list those in one state alone: ${listedOr(commandStates)}`,
    },
    limit: { type: 'text', value: 'N', about: 'list so many, 1 to 200 (default: 50)' },
    before: { type: 'text', value: 'ID', about: 'list those made before this one' },
    ...excerptOptions,
  },
  async run(context, [id], values) {
    const query = queryOf(values);
    if (!query.ok) return query;
    if (id !== undefined && query.value !== '') {
      return fail(exits.usage, 'usage', '--state, --limit and --before are for the list, without an ID.');
    }
    const session = await openSession(context);
    if (!session.ok) return session;
    const { api } = session.value;
    if (id === undefined) {
      const list = await api.call({
        method: 'GET',
        url: `/v1/commands${query.value}`,
        answer: commandListSchema,
      });
      if (!list.ok) return list;
      const rows = list.value.commands.map((one) => [
        one.id,
        ago(context.now() - one.created_at),
        one.principal,
        orderInWords(one),
        one.state,
      ]);
      const none = query.value === '' ? 'There is no command yet.' : 'There is no such command.';
      return done(rows.length === 0 ? none : table(rows), list.value);
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
      steps[index]?.proven === null ? '' : `signed${exitText(steps[index]?.receipt)}`,
    ]);
    const receipts = steps.map(({ receipt }) => receipt);
    const opened = await openExcerpts(context, values, receipts, `writ command ${id}`);
    if (!opened.ok) return opened;
    const saidOf = (receipt: Receipt | null) => (receipt === null ? undefined : opened.value.get(receipt));
    const text = [
      `${view.id}: ${view.state}. ${view.sentence}`,
      `Ordered by ${view.principal} at ${localTime(view.created_at)}.`,
      table(rows),
      ...receipts.flatMap((receipt) => saidLines(saidOf(receipt)).map((line) => `  ${line}`)),
    ].join('\n');
    const proven = steps.map(({ receipt, ...step }) => ({ ...step, log: logOf(saidOf(receipt)) }));
    return done(text, { command: view, proven }, exitOfState[view.state]);
  },
});

import * as v from 'valibot';
import { type DeploymentView, deploymentListSchema } from '../../../schema/api/deployments.ts';
import { deploymentIdSchema } from '../../../schema/wire/ids.ts';
import type { Receipt } from '../../../schema/wire/receipt.ts';
import { defineCommand } from '../command.ts';
import { fetchDeployment, proveOutcomes, waitFor } from '../deploy/deploy-parts.ts';
import { excerptOptions, logOf, openExcerpts, saidLines, unreadable } from '../deploy/excerpts.ts';
import { exitOf } from '../deploy/outcome.ts';
import { codeText } from '../deploy/words.ts';
import { done, exits, fail } from '../outcome.ts';
import { openSession, refreshTrust } from '../session.ts';
import { ago, localTime, table } from '../text.ts';

/** `healthy` where all are, else each state with its targets: `2 healthy, 1 pending`. */
export function stateText({ targets }: DeploymentView): string {
  const counts = new Map<string, number>();
  for (const { state } of targets) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts.size === 1
    ? [...counts.keys()].join('')
    : [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}

export const deployments = defineCommand({
  name: 'deployments',
  summary: 'List the latest deployments, or tell one with its targets and what relays signed',
  usage: '[ID]',
  examples: [
    { line: 'writ deployments', about: 'the latest, the newest first' },
    {
      line: 'writ deployments dep_01K…',
      about: 'each target, and whether its receipt verifies; exits as its outcome is',
    },
    { line: 'writ deployments dep_01K… --wait', about: 'follows it to its end' },
  ],
  options: {
    wait: { type: 'flag', about: 'wait for the outcome of the one that is named' },
    ...excerptOptions,
  },
  async run(context, [id], values) {
    const { wait } = values;
    if (id === undefined && wait) return fail(exits.usage, 'usage', '--wait needs the ID of a deployment.');
    if (id !== undefined && !v.is(deploymentIdSchema, id)) {
      return fail(
        exits.usage,
        'id_invalid',
        `${id} is no deployment’s id. They are listed by: writ deployments`,
      );
    }
    const session = await openSession(context);
    if (!session.ok) return session;
    if (id === undefined) {
      const url = '/v1/deployments';
      const list = await session.value.api.call({ method: 'GET', url, answer: deploymentListSchema });
      if (!list.ok) return list;
      const rows = list.value.deployments.map((view) => [
        view.id,
        ago(context.now() - view.order.issued_at),
        view.principal,
        view.order.commit?.slice(0, 12) ?? '',
        view.targets.map(({ target }) => target).join(' '),
        stateText(view),
      ]);
      return done(rows.length === 0 ? 'Nothing was deployed yet: writ deploy' : table(rows), list.value);
    }
    const view = await fetchDeployment(session.value, id);
    if (!view.ok) return view;
    if (wait) return waitFor(context, session.value, [view.value], values);
    const trust = await refreshTrust(session.value);
    if (!trust.ok) return trust;
    const proven = await proveOutcomes(session.value, trust.value, [view.value]);
    if (!proven.ok) return proven;
    const receipts = proven.value.map(({ receipt }) => receipt);
    const opened = await openExcerpts(context, values, receipts, `writ deployments ${id}`);
    if (!opened.ok) return opened;
    const saidOf = (receipt: Receipt | null) => (receipt === null ? undefined : opened.value.get(receipt));
    const { order, sentence, principal } = view.value;
    const rows = proven.value.map(({ target, end, code, receipt }, index) => [
      `  ${target}`,
      `${end}${code === null ? '' : `: ${codeText(code)}`}`,
      order.parts[index]!.digest.slice(0, 'sha256:'.length + 12),
      receipt === null ? '' : 'signed',
    ]);
    const { run_id: run, desk } = order.order;
    const lines = [
      `${id}: ${sentence}`,
      `Ordered by ${principal} at ${localTime(order.issued_at)}, number ${run === 0 ? '' : `${run}/`}${desk}${order.commit === null ? '' : `, commit ${order.commit}`}.`,
      table(rows),
      ...proven.value.flatMap(({ target, receipt }) =>
        saidLines(saidOf(receipt)).map((line) => `  ${target}  ${line}`),
      ),
      ...unreadable(trust.value.document, receipts),
    ];
    const targets = proven.value.map(({ receipt, ...one }) => ({
      ...one,
      signed: receipt?.state ?? null,
      log: logOf(saidOf(receipt)),
    }));
    return done(lines.join('\n'), { deployment: view.value, targets }, exitOf(proven.value));
  },
});

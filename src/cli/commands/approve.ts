import * as v from 'valibot';
import { signJws } from '../../../schema/jose/jws.ts';
import { commandIdSchema } from '../../../schema/wire/ids.ts';
import { approvalInWords, askApprovals, checkApproval } from '../approvals.ts';
import type { CheckedPlan } from '../check-plan.ts';
import { defineCommand } from '../command.ts';
import { followCommand, judge, submit } from '../order.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { confirm } from '../passphrase.ts';
import { keptRunbook } from '../runbooks.ts';
import { openSession, refreshTrust } from '../session.ts';

export const approve = defineCommand({
  name: 'approve',
  summary: 'Approve an order that waits: look at what it does, sign it, and follow it',
  usage: 'ID',
  more: [
    'What is shown is read from the very bytes that are signed, and judged by the trust document that this computer verified. Who asked is the control plane’s word.',
  ],
  examples: [
    { line: 'writ approve cmd_01K…', about: 'shows its steps, asks, signs, and follows them' },
    {
      line: 'writ approve cmd_01K… --yes --digest sha256:2c5d…',
      about: 'for scripts that looked at writ approvals --json',
    },
  ],
  options: {
    yes: { type: 'flag', about: 'do not ask; it needs --digest' },
    digest: {
      type: 'text',
      value: 'DIGEST',
      about: 'sign these bytes alone, as writ approvals --json listed them',
    },
    'no-wait': { type: 'flag', about: 'do not wait for the outcome; writ command ID tells it later' },
  },
  async run(context, [id = ''], values) {
    if (!v.is(commandIdSchema, id)) {
      return fail(
        exits.usage,
        'id_invalid',
        `${id} is no command's id. What waits is listed by: writ approvals`,
      );
    }
    const opened = await openSession(context);
    if (!opened.ok) return opened;
    const session = opened.value;
    const trust = await refreshTrust(session);
    if (!trust.ok) return trust;
    const answer = await askApprovals(session, trust.value);
    if (!answer.ok) return answer;
    const approval = answer.value.find(({ command }) => command.id === id);
    if (approval === undefined) {
      return fail(
        exits.refused,
        'approval_over',
        `${id} does not wait for approval, so that nothing was signed. See: writ command ${id}`,
      );
    }
    const { order } = approval.command;
    const kept =
      'runbook' in order
        ? keptRunbook(session.home.directory, order.runbook)
        : ({ ok: true, value: null } as const);
    if (!kept.ok) return kept;
    if ('runbook' in order && kept.value === null && values.yes) {
      return fail(
        exits.refused,
        'runbook_not_kept',
        `What ${order.runbook} does is not known on this computer, so that nothing was signed. Approve it without --yes and look at its steps, or run: writ house set FILE`,
      );
    }
    const checked = await checkApproval(trust.value, approval, context.now(), kept.value);
    if (!checked.ok) {
      return fail(
        exits.refused,
        checked.reason,
        `${id} was not signed: ${checked.detail ?? checked.reason}.`,
      );
    }
    const plan = checked.value;
    context.progress.end();
    if (!context.json || !values.yes) {
      context.terminal.err(`${approvalInWords(approval, plan).join('\n')}\n`);
    }
    const looked = judgeLook(id, plan, values);
    if (looked !== null) return looked;
    const agreed = await confirm(context, 'Approve?', values.yes);
    if (agreed !== true) return agreed;

    const said = { home: session.home.file.home, kind: 'intent', digest: plan.digest };
    const authorisation = await signJws('intent', said, session.home.operator);
    const accepted = await submit(context, session, `/v1/commands/${id}/approval`, { authorisation });
    if (!accepted.ok) return accepted;
    if (values['no-wait']) {
      return done(`${id} is approved. Its outcome: writ command ${id}`, accepted.value);
    }
    const ended = await followCommand(context, session, accepted.value);
    if (!ended.ok) return ended;
    return judge(session, plan, ended.value);
  },
});

/** Why what waits now may not be what was looked at before; null where it is, or where a person looks at it now. */
function judgeLook(
  id: string,
  plan: CheckedPlan,
  { yes, digest }: { readonly yes: boolean; readonly digest: string | undefined },
): Failure | null {
  if (digest !== undefined && digest !== plan.digest) {
    return fail(
      exits.refused,
      'plan_digest',
      `${id} was not signed: its digest is ${plan.digest}, and not ${digest}. If another was listed for it, the control plane may be taken.`,
    );
  }
  return yes && digest === undefined
    ? fail(
        exits.usage,
        'usage',
        'With --yes it needs --digest, of the bytes that were looked at: writ approvals --json lists it. Nothing was signed.',
      )
    : null;
}

import { askApprovals, checkApproval } from '../approvals.ts';
import { inWords, orderInWords } from '../check-plan.ts';
import { defineCommand } from '../command.ts';
import { done } from '../outcome.ts';
import { keptRunbooks } from '../runbooks.ts';
import { openSession, refreshTrust } from '../session.ts';
import { localTime, table } from '../text.ts';

export const approvals = defineCommand({
  name: 'approvals',
  summary: 'List orders that wait for your approval',
  usage: '',
  more: [
    'A token may ask for what its scope names; what trust lets you order, and not the control plane alone, waits here for 15 minutes.',
  ],
  examples: [
    { line: 'writ approvals', about: 'what waits, who asked, and until when' },
    { line: 'writ approvals --json', about: 'with steps and digests, for a script' },
  ],
  options: {},
  async run(context) {
    const session = await openSession(context);
    if (!session.ok) return session;
    const trust = await refreshTrust(session.value);
    if (!trust.ok) return trust;
    const kept = keptRunbooks(session.value.home.directory);
    if (!kept.ok) return kept;
    const answer = await askApprovals(session.value, trust.value);
    if (!answer.ok) return answer;
    const listed = await Promise.all(
      answer.value.map(async (approval) => {
        const { id, order, principal } = approval.command;
        const name = 'runbook' in order ? order.runbook : '';
        const runbook = Object.hasOwn(kept.value, name) ? kept.value[name]! : null;
        const checked = await checkApproval(trust.value, approval, context.now(), runbook);
        const steps = checked.ok ? checked.value.intent.steps : [];
        return {
          id,
          order,
          principal,
          until: approval.until,
          digest: checked.ok ? checked.value.digest : null,
          steps: steps.map(({ relay, action, target }) => ({ relay, action, target })),
          row: [
            id,
            checked.ok
              ? steps.map(inWords).join(', ')
              : `${orderInWords(approval.command)}: cannot be signed, ${checked.detail ?? checked.reason}`,
            principal,
            `until ${localTime(approval.until)}`,
          ],
        };
      }),
    );
    const text =
      listed.length === 0
        ? 'Nothing waits for your approval.'
        : [
            table(listed.map(({ row }) => row)),
            '',
            'To look at one and decide: writ approve ID, writ deny ID',
          ].join('\n');
    return done(text, { approvals: listed.map(({ row: _, ...one }) => one) });
  },
});

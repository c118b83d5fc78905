import { type Approval, approvalListSchema } from '../../schema/api/orders.ts';
import type { Runbook } from '../../schema/manifest/house.ts';
import { type Result, refuse } from '../../schema/result.ts';
import { operatorName } from '../../schema/trust/document.ts';
import type { Trust } from '../../schema/trust/read.ts';
import type { Step } from '../../schema/wire/intent.ts';
import { approvalWaitMs, clockSkewMs } from '../../schema/wire/limits.ts';
import { type CheckedPlan, checkPlan, inWords, orderInWords, type PlanRefusal } from './check-plan.ts';
import { exits, type Failure, fail } from './outcome.ts';
import { type Session, signerOf } from './session.ts';
import { localTime } from './text.ts';

/** What the control plane says that waits: of the operator key's own business, and no other computer's. */
export async function askApprovals(
  { api, home }: Session,
  trust: Trust,
): Promise<{ ok: true; value: readonly Approval[] } | Failure> {
  const signer = signerOf(trust, home);
  if (signer !== operatorName) {
    return fail(
      exits.refused,
      'forbidden',
      `Approvals are signed by the operator key, and this computer holds the key ${signer}. Nothing was signed.`,
    );
  }
  const answer = await api.call({ method: 'GET', url: '/v1/approvals', answer: approvalListSchema });
  return answer.ok ? { ok: true, value: answer.value.approvals } : answer;
}

/**
 * Judges what waits by its bytes alone, before the owner's key signs them: as any plan, and that it was asked no
 * longer ago than an order may wait. What the control plane says beside them is compared, and believed in nothing.
 */
export async function checkApproval(
  trust: Trust,
  approval: Approval,
  now: number,
  runbook: Runbook | null,
): Promise<Result<CheckedPlan, PlanRefusal | 'approval_over'>> {
  const { order } = approval.command;
  const checked = await checkPlan(trust, order, approval, now, runbook, operatorName, approvalWaitMs);
  if (!checked.ok) return checked;
  return checked.value.intent.issued_at + approvalWaitMs + clockSkewMs < now
    ? refuse('approval_over', 'it has waited for too long')
    : checked;
}

const paramsInWords = (params: Step['params']): string =>
  Object.entries(params)
    .map(([name, value]) => `, ${name} ${JSON.stringify(value)}`)
    .join('');

const afterInWords = ({ after }: Step): string =>
  after.length === 0
    ? ''
    : `, after ${after.map((one) => `step ${one.step + 1}${one.if === 'ended' ? ' however it ends' : ''}`).join(' and ')}`;

/** What an approval would sign and have done, for the owner to read. */
export function approvalInWords(approval: Approval, { intent, digest, toConfirm }: CheckedPlan): string[] {
  const { command } = approval;
  const named = 'runbook' in command.order ? intent.steps : [];
  const steps = intent.steps.map((step, index) => {
    const unnamed = toConfirm.includes(step) && !named.includes(step) ? ' (not asked for by name)' : '';
    return `  ${index + 1}. ${inWords(step)}${paramsInWords(step.params)}, by the relay on ${step.relay}${afterInWords(step)}${unnamed}`;
  });
  return [
    `${command.id} asks to ${orderInWords(command)}. What you would sign, and what would be done:`,
    ...steps,
    `Asked at ${localTime(intent.issued_at)} by ${command.principal}: that is the control plane's word, and proved by nobody.`,
    `Relays take it until ${localTime(intent.expires)}, once. Digest: ${digest}`,
  ];
}

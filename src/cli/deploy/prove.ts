import type { DeploymentView } from '../../../schema/api/deployments.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import type { Desk } from './desk.ts';
import { verifyDeployment } from './former.ts';
import { outcomesOf, type TargetOutcome } from './outcome.ts';

/** What came of deployments, by what relays signed. What the control plane says beyond that is not believed. */
export async function proveViews(
  trust: Trust,
  desk: Pick<Desk, 'signed'>,
  views: readonly DeploymentView[],
): Promise<{ ok: true; value: readonly TargetOutcome[] } | Failure> {
  const all: TargetOutcome[] = [];
  for (const view of views) {
    const { outcomes, unproven } = outcomesOf(await verifyDeployment(trust, desk, view));
    if (unproven.length > 0) {
      const claims = unproven.map(({ target, claimed, signed }) => `${target} ${claimed}, signed ${signed}`);
      return fail(
        exits.refused,
        'outcome_unproven',
        `The control plane says of ${view.id} what no relay of your trust document has signed: ${claims.join('; ')}. It was not believed.`,
      );
    }
    all.push(...outcomes);
  }
  return { ok: true, value: all };
}

/** What each end is, but the good one, in words. */
export const endWords: Readonly<Record<Exclude<TargetOutcome['end'], 'healthy'>, string>> = {
  'rolled-back': 'what ran before runs again',
  refused: 'its relay refused it',
  unknown: 'no relay has signed what came of it',
  superseded: 'a newer release took its place',
  pending: 'waits for its relay',
  staged: 'is on its way',
  activated: 'is in force, and its health is not known yet',
};

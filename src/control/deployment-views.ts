import type { DeploymentTarget, DeploymentView } from '../../schema/api/deployments.ts';
import type { Deployment, PartRecord } from '../domain/deployment.ts';
import { deploymentSentence } from '../domain/deployment-sentence.ts';
import type { Names } from '../domain/sentence.ts';
import type { ControlDeps } from './deps.ts';

const targetView = (part: PartRecord): DeploymentTarget => ({
  target: part.target,
  relay: part.relay,
  part: part.digest,
  state: part.state,
  code: part.code,
  result: part.result,
  started_at: part.startedAt,
  ended_at: part.endedAt,
});

/** Deployments as callers see them, with their receipts read from the store. */
export async function deploymentViews(
  { store }: Pick<ControlDeps, 'store'>,
  deployments: readonly Deployment[],
  names: Names,
): Promise<DeploymentView[]> {
  const receipts = await store.deployments.receiptsOf(deployments.map(({ id }) => id));
  return deployments.map((deployment) => ({
    id: deployment.id,
    digest: deployment.digest,
    order: deployment.order,
    principal: deployment.principal,
    created_at: deployment.createdAt,
    ended_at: deployment.endedAt,
    sentence: deploymentSentence(deployment, names),
    targets: deployment.parts.map(targetView),
    receipts: [...(receipts.get(deployment.id) ?? [])],
  }));
}

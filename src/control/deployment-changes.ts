import { controllerName } from '../../schema/trust/document.ts';
import { evaluateOrder } from '../../schema/trust/evaluate.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { compareOrders } from '../../schema/wire/release-order.ts';
import {
  applyDisallowed,
  applyLapsed,
  applyOvertaken,
  type Deployment,
  type DeploymentChange,
} from '../domain/deployment.ts';
import type { DeploymentUpdate } from '../domain/release-ports.ts';
import type { AuditLog } from './audit-log.ts';
import { maxTries } from './changes.ts';
import { bells, type ControlDeps } from './deps.ts';

/** A change as the store takes it: what each part has come to is noted, and the end of it all. */
export function toDeploymentUpdate(
  before: Deployment,
  change: DeploymentChange,
  now: number,
  notes: DeploymentUpdate['notes'] = [],
): DeploymentUpdate {
  const { deployment, parts } = change;
  const moved = parts.filter((part) => part.state !== before.parts[part.part]!.state);
  const note = (event: string, facts: DeploymentUpdate['notes'][number]['facts']) => ({
    time: now,
    event,
    principal: controllerName,
    facts: { deployment: deployment.id, ...facts },
  });
  return {
    ...change,
    notes: [
      ...notes,
      ...moved.map(({ target, state, code }) => note(`target.${state.replace('-', '_')}`, { target, code })),
      ...(before.endedAt === null && deployment.endedAt !== null
        ? [
            note('deployment.ended', {
              targets: deployment.parts.length,
              healthy: deployment.parts.filter(({ state }) => state === 'healthy').length,
            }),
          ]
        : []),
    ],
  };
}

/** Tells those who wait for a deployment, and the relays that may have something to do now. */
export function ringForDeployment(
  deps: ControlDeps,
  log: AuditLog,
  { deployment, parts }: DeploymentChange,
): void {
  deps.doorbell.ring(bells.deployment(deployment.id));
  for (const name of new Set(parts.map(({ relay }) => relay))) deps.doorbell.ring(bells.relay(name));
  log.grew();
}

/** Changes a deployment by a pure function of what it is, until no other change came in between. */
export async function changeDeployment(
  deps: ControlDeps,
  log: AuditLog,
  load: () => Promise<Deployment | null>,
  how: (deployment: Deployment) => DeploymentChange | null,
): Promise<boolean> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const before = await load();
    const change = before === null ? null : how(before);
    if (before === null || change === null) return false;
    const update = toDeploymentUpdate(before, change, deps.clock.now());
    if ((await deps.store.deployments.update(update)) === 'updated') {
      ringForDeployment(deps, log, update);
      return true;
    }
  }
  throw new Error('a deployment was changed by others too often');
}

/** Ends what older orders still have open on a target on which this one has begun. */
export async function endOvertaken(
  deps: ControlDeps,
  log: AuditLog,
  began: Pick<Deployment, 'id' | 'order'>,
  target: string,
): Promise<void> {
  const { deployments } = deps.store;
  const older = (await deployments.open()).filter(
    ({ id, order }) => id !== began.id && compareOrders(order.order, began.order.order) < 0,
  );
  for (const { id } of older) {
    await changeDeployment(
      deps,
      log,
      () => deployments.load(id),
      (one) => applyOvertaken(one, target, deps.clock.now()),
    );
  }
}

/**
 * A relay that met a token in time may wait for something before it begins: what it has not begun this long after the
 * token's end, and no notary saw, it will not begin.
 */
export const lapseMs = 10 * 60_000;

/** Ends what has not begun of orders whose token of GitHub's expired before their relay, or a notary, saw it. */
export async function endLapsed(deps: ControlDeps, log: AuditLog): Promise<void> {
  const { deployments } = deps.store;
  for (const id of await deployments.lapsed(deps.clock.now() - lapseMs)) {
    await changeDeployment(
      deps,
      log,
      () => deployments.load(id),
      (one) => applyLapsed(one, deps.clock.now()),
    );
  }
}

/** Ends what has not begun of all orders that trust does not allow any more. */
export async function reviewDeployments(deps: ControlDeps, log: AuditLog, trust: Trust): Promise<void> {
  const { deployments } = deps.store;
  for (const { id, signer, order } of await deployments.open()) {
    if (evaluateOrder(trust, signer, order).ok) continue;
    await changeDeployment(
      deps,
      log,
      () => deployments.load(id),
      (one) => applyDisallowed(one, deps.clock.now()),
    );
  }
}

import type { Order } from '../../schema/api/orders.ts';
import { findGrant } from '../../schema/trust/evaluate.ts';
import type { Answer, PlanReason } from '../domain/errors.ts';
import { type PlanInput, type Planned, plan } from '../domain/planning.ts';
import type { Grant } from '../domain/principal.ts';
import { relayKid } from '../domain/world.ts';
import type { Scene } from './scene.ts';

/** Whether a caller may have something done that its order does not name. */
export const covers =
  (grant: Grant): PlanInput['covers'] =>
  (action, target) =>
    grant.principal.kind === 'operator' ||
    ((grant.principal.kind === 'token' || grant.principal.kind === 'key') &&
      grant.principal.scope.includes(`${action}@${target}`));

/** Plans an order in a scene, to be signed by one of the identities named. */
export function planOrder(
  scene: Scene,
  order: Order,
  options: {
    readonly covers: PlanInput['covers'];
    readonly signers: readonly string[];
    readonly sleep?: boolean;
  },
): Answer<Planned, PlanReason> {
  const { trust, runbooks, world } = scene;
  const { signers, sleep = false } = options;
  return plan({
    order,
    sleep,
    house: trust.document.house,
    runbooks,
    world,
    covers: options.covers,
    granted: (action, target) => signers.some((signer) => findGrant(trust, signer, action, target) !== null),
    admitted: (relay) => relayKid(trust, relay) !== undefined,
  });
}

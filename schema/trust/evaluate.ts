import { actionOf, commandActionOf } from '../actions/index.ts';
import { releaseApply } from '../actions/release-apply.ts';
import type { AcceptedKey } from '../jose/keys.ts';
import { ok, type Result, refuse } from '../result.ts';
import type { Intent, Step } from '../wire/intent.ts';
import { own } from '../wire/record.ts';
import { type ReleaseOrder, releaseAction, stepsOfOrder } from '../wire/release-order.ts';
import { controllerName, type TrustDocument } from './document.ts';
import type { TrustGrant } from './grant.ts';
import type { Trust } from './read.ts';

export type PolicyRefusal =
  | 'action_unknown'
  | 'target_unknown'
  | 'relay_wrong'
  | 'params_invalid'
  | 'not_granted';

/** The grant under which an identity may order one action on one target; null when there is none. */
export function findGrant(trust: Trust, identity: string, action: string, target: string): TrustGrant | null {
  const found = own(trust.document.identities, identity);
  if (found === undefined || found.kind === 'relay' || actionOf(action) === undefined) return null;
  return found.may.find((grant) => grant.action === action && grant.on.includes(target)) ?? null;
}

/** Judges a step by the house alone: known action and target, sent to the relay that does it, parameters in shape. */
export function checkStep(trust: Trust, step: Step): Result<true, PolicyRefusal> {
  const action = actionOf(step.action);
  if (action === undefined) return refuse('action_unknown', `there is no action ${step.action}`);
  const relay = action.relayFor(trust.document.house, step.target);
  if (!relay.ok) return refuse('target_unknown', relay.detail);
  if (relay.value !== step.relay) {
    return refuse(
      'relay_wrong',
      `${step.action} on ${step.target} is done by ${relay.value}, not ${step.relay}`,
    );
  }
  if (!action.acceptsParams(step.params)) {
    return refuse(
      'params_invalid',
      `the parameters of ${step.action} on ${step.target} are not of its shape`,
    );
  }
  return ok(true);
}

function evaluateSteps(trust: Trust, identity: string, steps: readonly Step[]): Result<true, PolicyRefusal> {
  for (const step of steps) {
    const fits = checkStep(trust, step);
    if (!fits.ok) return fits;
    if (findGrant(trust, identity, step.action, step.target) === null) {
      return refuse('not_granted', `${identity} may not order ${step.action} on ${step.target}`);
    }
  }
  return ok(true);
}

/**
 * Whether one identity may order the whole intent: every step is the house's and is granted to it.
 * Signatures of several identities never add up. Limits are counted by the relay that acts. What releases alone
 * order is no action of intents: the bytes that it applies would be nowhere in what was signed.
 */
export function evaluateIntent(trust: Trust, identity: string, intent: Intent): Result<true, PolicyRefusal> {
  const foreign = intent.steps.find(
    ({ action }) => actionOf(action) !== undefined && commandActionOf(action) === undefined,
  );
  if (foreign !== undefined) {
    return refuse('action_unknown', `${foreign.action} is ordered by a release, not by an intent`);
  }
  return evaluateSteps(trust, identity, intent.steps);
}

/**
 * Whether one identity may order the whole release: each part is for the house's relay of its target, and granted to
 * the identity. The controller may not, whatever trust grants it: its key is on the public machine.
 */
export function evaluateOrder(
  trust: Trust,
  identity: string,
  order: ReleaseOrder,
): Result<true, PolicyRefusal> {
  if (identity === controllerName) return refuse('not_granted', `${controllerName} may order no release`);
  const isGithub = own(trust.document.identities, identity)?.kind === 'github';
  const beyond = isGithub ? order.parts.find(({ target }) => !isVirtual(trust, target)) : undefined;
  if (beyond !== undefined) {
    return refuse(
      'not_granted',
      `a workflow releases to virtual machines alone, and ${beyond.target} is none`,
    );
  }
  return evaluateSteps(trust, identity, stepsOfOrder(order));
}

/** What a root's helper brings to hosts and containers, it verifies itself, and it has no way to GitHub's keys. */
const isVirtual = ({ document }: Trust, target: string): boolean =>
  own(document.house.guests, target)?.kind === 'qemu';

/** The targets of one host's relay, itself or guests of it, that somebody may release to; sorted. */
export function releasableTargets(
  { house, identities }: Pick<TrustDocument, 'house' | 'identities'>,
  relay: string,
): string[] {
  const named = Object.entries(identities).flatMap(([name, identity]) =>
    identity.kind !== 'relay' && name !== controllerName
      ? identity.may.filter(({ action }) => action === releaseAction).flatMap(({ on }) => on)
      : [],
  );
  const isOwn = (target: string): boolean => {
    const doneBy = releaseApply.relayFor(house, target);
    return doneBy.ok && doneBy.value === relay;
  };
  return [...new Set(named)].filter(isOwn).sort();
}

/** Finds the keys of identities of one kind, for verifying what they signed. */
export function keyOf(trust: Trust, kind: 'key' | 'relay', name?: string) {
  return (kid: string): AcceptedKey | undefined => {
    const found = trust.identities.get(kid);
    if (found === undefined || own(trust.document.identities, found.name)?.kind !== kind) return undefined;
    return name === undefined || found.name === name ? found.key : undefined;
  };
}

/** Whether trust makes a relay a notary, which says since when tokens are known. */
export function isNotary({ document }: Trust, name: string): boolean {
  const identity = own(document.identities, name);
  return identity?.kind === 'relay' && identity.attests !== undefined;
}

/** The name of the identity that holds a key. */
export const nameOfKey = (trust: Trust, kid: string): string | undefined => trust.identities.get(kid)?.name;

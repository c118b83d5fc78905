import type { Grant, Principal } from '../domain/principal.ts';
import { type AuthRefused, unauthorised } from './reasons.ts';

/**
 * Who may use a route.
 *
 * - `anyone`: no credentials; tells nothing about the home.
 * - `reader`: the operator, another key of trust, or a token with the scope `status`.
 * - `orderer`: the operator, or a token whose scope names the very permission: the controller signs.
 * - `planner`: these, or another key that trust grants the very permission.
 * - `signer`: the operator, or such a key: it brings what it signed itself.
 * - `follower`: a reader, or a token whose scope names the permission of the command in question.
 * - `operator`: the owner's CLI alone.
 * - `releaser`: that, a key that trust lets release, or a workflow of GitHub Actions that trust names.
 * - `release reader`: a reader, or such a workflow.
 * - `relay`: a relay that trust admits.
 * - `pending relay`: that, one that waits for approval, readers, and workflows that trust names: what must reach relays before they obey.
 * - `setup`, `enrolment`: no name is known yet; the use case verifies a MAC by a single-use secret and a proof.
 * - `roots`: what is brought is signed by the roots, which the use case verifies, with a proof by the key it names.
 */
export type Authority =
  | 'anyone'
  | 'reader'
  | 'orderer'
  | 'planner'
  | 'signer'
  | 'follower'
  | 'operator'
  | 'releaser'
  | 'release reader'
  | 'relay'
  | 'pending relay'
  | 'setup'
  | 'enrolment'
  | 'roots';

/** Those for which a caller needs no name. */
export const isNameless = (authority: Authority): authority is Nameless =>
  authority === 'anyone' || authority === 'setup' || authority === 'enrolment' || authority === 'roots';

type Nameless = 'anyone' | 'setup' | 'enrolment' | 'roots';
type Named = Exclude<Authority, Nameless>;

const reads = (scope: readonly string[]): boolean => scope.includes('status');
const orders = (scope: readonly string[], permission: string): boolean =>
  permission !== 'status' && scope.includes(permission);

/** One row a kind of principal; what is not said here is forbidden. */
const mayToken: Record<Named, (scope: readonly string[], permission: string) => boolean> = {
  reader: reads,
  'pending relay': reads,
  'release reader': reads,
  orderer: orders,
  planner: orders,
  signer: () => false,
  follower: (scope, permission) => reads(scope) || orders(scope, permission),
  operator: () => false,
  releaser: () => false,
  relay: () => false,
};
const mayOperator: Record<Named, boolean> = {
  reader: true,
  'pending relay': true,
  orderer: true,
  planner: true,
  signer: true,
  follower: true,
  operator: true,
  releaser: true,
  'release reader': true,
  relay: false,
};
/** A key is asked for its own grants alone, and never gets what the controller may order. */
const mayKey: Record<Named, (scope: readonly string[], permission: string) => boolean> = {
  reader: () => true,
  'pending relay': () => true,
  'release reader': () => true,
  follower: () => true,
  planner: orders,
  signer: orders,
  releaser: orders,
  orderer: () => false,
  operator: () => false,
  relay: () => false,
};
/** What no order is: releases are judged by what they were signed with. */
const ofGithub: ReadonlySet<Named> = new Set(['releaser', 'release reader', 'pending relay']);

function may(principal: Principal, authority: Named, permission: string): boolean {
  switch (principal.kind) {
    case 'operator':
      return mayOperator[authority];
    case 'token':
      return mayToken[authority](principal.scope, permission);
    case 'key':
      return mayKey[authority](principal.scope, permission);
    case 'github':
      return ofGithub.has(authority);
    case 'relay':
      return authority === 'relay' || authority === 'pending relay';
    case 'pending':
      return authority === 'pending relay';
  }
}

/**
 * The one place where principal × action × object is decided. `permission` names both action and object:
 * `<action>@<target>`, `run@<runbook>`, or a right such as `tokens`. Gives the grant that changing anything takes.
 */
export function authorise(
  principal: Principal,
  authority: Named,
  permission: string,
): { readonly ok: true; readonly grant: Grant } | AuthRefused {
  if (!may(principal, authority, permission)) {
    return unauthorised('forbidden', forbiddenSentence(principal, permission), permission);
  }
  return { ok: true, grant: { principal, permission } as Grant };
}

/** Whether a principal could pass with the best of its permissions: asked before a body is read. */
export function couldPass(principal: Principal, authority: Named): boolean {
  if (principal.kind !== 'token' && principal.kind !== 'key') return may(principal, authority, '');
  return ['', ...principal.scope].some((permission) => may(principal, authority, permission));
}

function forbiddenSentence(principal: Principal, permission: string): string {
  const [action, target] = permission.split('@');
  if (principal.kind === 'token') {
    if (action === undefined || target === undefined) return 'This token may not do that.';
    return `This token may not order ${action === 'run' ? 'the runbook' : action} ${action === 'run' ? '' : 'on '}${target}.`;
  }
  if (principal.kind === 'key' && target !== undefined) {
    return action === 'run'
      ? `Runbooks are run from the owner's own computer, not by ${principal.name}.`
      : `Trust does not grant ${principal.name} ${action} on ${target}.`;
  }
  return 'These credentials are not for that.';
}

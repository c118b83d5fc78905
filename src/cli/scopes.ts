import { commandActions } from '../../schema/actions/index.ts';
import { didYouMean } from '../../schema/near.ts';
import { controllerName, operatorName } from '../../schema/trust/document.ts';
import { findGrant } from '../../schema/trust/evaluate.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { grantedCommands } from './app-commands.ts';
import { exits, type Failure, fail } from './outcome.ts';
import { listed } from './text.ts';

/** Every scope that a token can have in a home, `status` first. */
export function scopesOf(
  document: Pick<Trust['document'], 'house' | 'identities'>,
  runbooks: readonly string[],
): string[] {
  const { house } = document;
  const targets = {
    host: Object.keys(house.hosts),
    guest: Object.keys(house.guests),
    app: grantedCommands(document),
  };
  const orders = commandActions.flatMap((action) =>
    targets[action.on]
      .filter((target) => action.relayFor(house, target).ok)
      .map((target) => `${action.type}@${target}`),
  );
  return ['status', ...runbooks.map((name) => `run@${name}`), ...orders];
}

/**
 * Refuses scopes that name nothing here: a phone would only learn it when it is needed. `notes`: of orders that trust
 * does not let the control plane give by itself, so that the phone's request for them waits for approval, or is refused.
 */
export function judgeScopes(
  trust: Trust,
  runbooks: readonly string[],
  scopes: readonly string[],
): { ok: true; notes: string[] } | Failure {
  const known = scopesOf(trust.document, runbooks);
  const unknown = scopes.find((scope) => !known.includes(scope));
  if (unknown !== undefined) {
    return fail(
      exits.usage,
      'scope_unknown',
      `${unknown} names nothing that can be ordered here.${didYouMean(unknown, known)}\nA scope is status, <action>@<target> such as host.wake@pve2, or run@<runbook>. No token was made.`,
    );
  }
  const grantedTo = (identity: string, scope: string): boolean => {
    const [action = '', target = ''] = scope.split('@');
    return findGrant(trust, identity, action, target) !== null;
  };
  const beyond = scopes.filter((scope) => scope.includes('.') && !grantedTo(controllerName, scope));
  const waiting = beyond.filter((scope) => grantedTo(operatorName, scope));
  const refused = beyond.filter((scope) => !waiting.includes(scope));
  const notes: string[] = [];
  if (waiting.length > 0) {
    notes.push(
      `Trust does not let the control plane order ${listed(waiting)}: such a request of the phone waits until you approve it here, with writ approve.`,
    );
  }
  if (refused.length > 0) {
    notes.push(
      `Trust lets neither the control plane nor you order ${listed(refused)}: such a request of the phone is refused.`,
    );
  }
  return { ok: true, notes };
}

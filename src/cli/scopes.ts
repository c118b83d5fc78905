import { commandActions } from '../../schema/actions/index.ts';
import { didYouMean } from '../../schema/near.ts';
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
 * does not let the control plane give by itself, so that the phone's request for them is refused.
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
  const beyond = scopes.filter((scope) => {
    const [action = '', target = ''] = scope.split('@');
    return action.includes('.') && findGrant(trust, 'controller', action, target) === null;
  });
  const notes =
    beyond.length === 0
      ? []
      : [
          `Trust does not let the control plane order ${listed(beyond)}: such a request of the phone is refused, and names the command line that does it.`,
        ];
  return { ok: true, notes };
}

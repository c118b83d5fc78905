import * as v from 'valibot';
import { controllerName, operatorName, type TrustDocument } from '../../../schema/trust/document.ts';
import { limitSchema, type TrustGrant } from '../../../schema/trust/grant.ts';
import { commandActionType } from '../../../schema/wire/ids.ts';
import { grantedCommands, isCommandGrant, judgeCommandName } from '../app-commands.ts';
import { defineCommand } from '../command.ts';
import { nextVersion } from '../make-trust.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { isSame } from '../same.ts';
import { openSession, trustToChange } from '../session.ts';
import { signingOptions, signNext } from '../sign-trust.ts';

const usage = (detail: string): Failure => fail(exits.usage, 'usage', `${detail} Nothing was signed.`);

export const trustCommand = defineCommand({
  name: 'trust command',
  summary: 'Grant commands that apps declare, each by its full name; without a name, list them',
  usage: '[COMMAND…]',
  more: [
    'A command of an app runs only where trust grants it by its full name, GUEST/APP/COMMAND. It is granted to you, the operator; with --controller also to the control plane, at most so often, so that phones can ask for it. What it does is what the release in force on the guest declares.',
    'A relay of before Writ knew such names keeps its older trust instead of a version that grants one: update the relays first.',
  ],
  examples: [
    { line: 'writ trust command', about: 'what is granted' },
    { line: 'writ trust command websvcs/wiki/reindex', about: 'to you' },
    {
      line: 'writ trust command websvcs/wiki/reindex --controller 6/1h',
      about: 'and to the control plane, six times an hour',
    },
    { line: 'writ trust command websvcs/wiki/reindex --revoke', about: 'to nobody any more' },
  ],
  options: {
    controller: { type: 'text', value: 'LIMIT', about: 'to the control plane as well, such as 6/1h' },
    revoke: { type: 'flag', about: 'take it from everybody' },
    ...signingOptions,
  },
  async run(context, names, values) {
    const { controller: limit, revoke } = values;
    if (revoke && limit !== undefined) return usage('It is either --controller or --revoke.');
    if (limit !== undefined && !v.is(limitSchema, limit)) return usage(`${limit} is no limit such as 6/1h.`);
    if (names.length === 0 && (revoke || limit !== undefined))
      return usage('It needs the name of a command.');
    const session = await openSession(context, values);
    if (!session.ok) return session;
    const trust = await trustToChange(session.value, values.offline);
    if (!trust.ok) return trust;
    const current = trust.value;
    if (names.length === 0) {
      const commands = grantedCommands(current.document);
      return done(commands.length === 0 ? 'Trust grants no command of an app.' : commands.join('\n'), {
        commands,
      });
    }
    for (const name of revoke ? [] : names) {
      const fits = judgeCommandName(current.document, name);
      if (!fits.ok) return { ...fits, detail: `${fits.detail} Nothing was signed.` };
    }
    const stranger = revoke && names.find((name) => !grantedCommands(current.document).includes(name));
    if (stranger) return usage(`Trust does not grant ${stranger}.`);
    const changed = withCommands(current.document, names, { limit, revoke });
    if (isSame(changed, current.document)) {
      return done(`Nothing changes: trust stays version ${current.document.version}.`, {
        version: current.document.version,
        commands: grantedCommands(current.document),
      });
    }
    const document = nextVersion(changed, current.digest, context.now());
    const signed = await signNext(context, session.value, current, { document, notes: [] }, values);
    if (!signed.ok) return signed;
    const { version } = signed.value.trust.document;
    return done(
      [
        ...(values.yes ? signed.value.told : []),
        `Trust version ${version} is signed.`,
        ...signed.value.next,
      ].join('\n'),
      { version, digest: signed.value.trust.digest, commands: grantedCommands(document) },
    );
  },
});

/** The document with these commands granted to the operator, and to the controller within a limit; or to nobody. */
function withCommands(
  document: TrustDocument,
  names: readonly string[],
  { limit, revoke }: { readonly limit: string | undefined; readonly revoke: boolean },
): TrustDocument {
  const identities = Object.entries(document.identities).map(([name, identity]) => {
    if (identity.kind !== 'key') return [name, identity];
    if (revoke) return [name, { ...identity, may: without(identity.may, names) }];
    const isOperator = name === operatorName;
    if (!isOperator && (name !== controllerName || limit === undefined)) return [name, identity];
    return [name, { ...identity, may: withGrant(identity.may, names, isOperator ? undefined : limit) }];
  });
  return { ...document, identities: Object.fromEntries(identities) };
}

const without = (may: readonly TrustGrant[], names: readonly string[]): TrustGrant[] =>
  may
    .map((grant) =>
      isCommandGrant(grant) ? { ...grant, on: grant.on.filter((one) => !names.includes(one)) } : grant,
    )
    .filter(({ on }) => on.length > 0);

/** One grant for all commands of one limit. */
function withGrant(
  may: readonly TrustGrant[],
  names: readonly string[],
  limit: string | undefined,
): TrustGrant[] {
  const others = without(may, names);
  const of = others.find((grant) => isCommandGrant(grant) && grant.limit === limit);
  const on = [...new Set([...(of?.on ?? []), ...names])].sort();
  return [
    ...others.filter((grant) => grant !== of),
    { action: commandActionType, on, ...(limit !== undefined && { limit }) },
  ];
}

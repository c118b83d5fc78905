import * as v from 'valibot';
import { releaseHeal } from '../../../schema/actions/release-heal.ts';
import { ok } from '../../../schema/result.ts';
import { operatorName, standingName, type TrustDocument } from '../../../schema/trust/document.ts';
import { limitSchema, type TrustGrant } from '../../../schema/trust/grant.ts';
import { own } from '../../../schema/wire/record.ts';
import { releaseAction } from '../../../schema/wire/release-order.ts';
import { changeTrust, unsigned } from '../change-trust.ts';
import { defineCommand } from '../command.ts';
import { done } from '../outcome.ts';
import { openSession, trustToChange } from '../session.ts';
import { signingOptions } from '../sign-trust.ts';

const usualLimit = '4/1d';

export const trustHeal = defineCommand({
  name: 'trust heal',
  summary:
    'Let relays put back by themselves what of a release was changed by hand; without a guest, list where',
  usage: '[GUEST…]',
  more: [
    'A relay looks at its guests every quarter of an hour. Where trust says so, a file that is not as the release in force says is put back, and what uses it restarts or reloads, at most so often. It asks nobody, and goes on when the control plane is away or trust has expired; receipts tell of it.',
    'Nothing else is done by itself: a service that failed or was stopped is told, and left, unless a file that it uses is put back. Only virtual machines are put right so far.',
  ],
  examples: [
    { line: 'writ trust heal', about: 'where they do' },
    { line: 'writ trust heal secsvcs websvcs', about: `there, at most ${usualLimit}` },
    { line: 'writ trust heal secsvcs --limit 1/1d', about: 'once a day' },
    { line: 'writ trust heal secsvcs --revoke', about: 'not there any more' },
  ],
  options: {
    limit: { type: 'text', value: 'LIMIT', about: `how often on each guest; ${usualLimit} unless given` },
    revoke: { type: 'flag', about: 'take it back' },
    ...signingOptions,
  },
  async run(context, names, values) {
    const { limit, revoke } = values;
    if (revoke && limit !== undefined) return unsigned('It is either --limit or --revoke.');
    if (limit !== undefined && !v.is(limitSchema, limit))
      return unsigned(`${limit} is no limit such as 4/1d.`);
    if (names.length === 0 && (revoke || limit !== undefined))
      return unsigned('It needs the name of a guest.');
    if (names.length === 0) {
      const session = await openSession(context, values);
      if (!session.ok) return session;
      const trust = await trustToChange(session.value, values.offline);
      if (!trust.ok) return trust;
      const guests = healed(trust.value.document);
      const none = 'Relays put nothing back by themselves.';
      return done(guests.length === 0 ? none : guests.join('\n'), { guests });
    }
    return changeTrust(context, values, {
      change(document) {
        const now = healed(document);
        const stranger = names.find((name) =>
          revoke ? !now.includes(name) : own(document.house.guests, name)?.kind !== 'qemu',
        );
        if (stranger !== undefined) {
          return unsigned(
            revoke
              ? `Trust says nothing of the kind of ${stranger}.`
              : `${stranger} is no virtual machine of the house.`,
          );
        }
        const may = withHealing(document, names, revoke ? null : (limit ?? usualLimit));
        const { [standingName]: _, ...others } = document.identities;
        const standing = { [standingName]: { kind: 'standing' as const, may } };
        return ok({ ...document, identities: may.length === 0 ? others : { ...others, ...standing } });
      },
      said: (version) => `Trust version ${version} is signed.`,
      json: { guests: names, limit: revoke ? null : (limit ?? usualLimit) },
    });
  },
});

const standingGrants = (document: TrustDocument): readonly TrustGrant[] => {
  const standing = own(document.identities, standingName);
  return standing?.kind === 'standing' ? standing.may : [];
};

/** The guests where relays put back what was changed, sorted. */
const healed = (document: TrustDocument): string[] =>
  [
    ...new Set(
      standingGrants(document)
        .filter(({ action }) => action === releaseHeal.type)
        .flatMap(({ on }) => on),
    ),
  ].sort();

/** What relays may do by themselves, with these guests put right by this limit, where releases may touch; null: not any more. */
function withHealing(document: TrustDocument, names: readonly string[], limit: string | null): TrustGrant[] {
  const others = standingGrants(document)
    .map((grant) =>
      grant.action === releaseHeal.type
        ? { ...grant, on: grant.on.filter((name) => !names.includes(name)) }
        : grant,
    )
    .filter(({ on }) => on.length > 0);
  if (limit === null) return others;
  const operator = own(document.identities, operatorName);
  const rights = operator?.kind === 'key' ? operator.may : [];
  const added = [...new Set(names)].map((name): TrustGrant => {
    const released = rights.find(({ action, on }) => action === releaseAction && on.includes(name));
    return { action: releaseHeal.type, on: [name], limit, paths: [...(released?.paths ?? [])] };
  });
  return [...others, ...added];
}

import { didYouMean } from '../../../schema/near.ts';
import { controllerName, operatorName, type TrustDocument } from '../../../schema/trust/document.ts';
import { defineCommand } from '../command.ts';
import { nextVersion } from '../make-trust.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { isSame } from '../same.ts';
import { openSession, trustToChange } from '../session.ts';
import { signingOptions, signNext } from '../sign-trust.ts';
import { listed } from '../text.ts';

export const trustRevoke = defineCommand({
  name: 'trust revoke',
  summary: 'Take an identity out of trust: a relay, a key, or the rights of the control plane',
  usage: 'NAME…',
  more: [
    'A relay that is revoked obeys nobody, and what it signs counts for nothing; its host stays in the house, and may enrol again. Of the controller all rights are taken, not its place: relays then do only what you sign yourself.',
    'A phone’s token is revoked by writ tokens revoke, without a new version of trust. Your own keys are not revoked but replaced: writ trust rotate.',
    'Where the control plane is no longer yours, add --offline, and hand the version to the relays by the mirror or by hand: writ trust publish FILE.',
  ],
  examples: [
    { line: 'writ trust revoke pve2', about: 'the tower was stolen, or is to be installed anew' },
    { line: 'writ trust revoke controller --offline', about: 'the VM was taken' },
  ],
  options: signingOptions,
  async run(context, names, values) {
    const session = await openSession(context, values);
    if (!session.ok) return session;
    const trust = await trustToChange(session.value, values.offline);
    if (!trust.ok) return trust;
    const current = trust.value;
    const changed = revoke(current.document, names);
    if (!changed.ok) return changed;
    if (isSame(changed.value, current.document)) {
      return done(`Nothing changes: trust stays version ${current.document.version}.`, {
        version: current.document.version,
        revoked: [],
      });
    }
    const document = nextVersion(changed.value, current.digest, context.now());
    const signed = await signNext(context, session.value, current, { document, notes: [] }, values);
    if (!signed.ok) return signed;
    const { version } = signed.value.trust.document;
    return done(
      [
        ...(values.yes ? signed.value.told : []),
        `${listed(names)} ${names.length === 1 ? 'is' : 'are'} revoked by trust version ${version}.`,
        ...signed.value.next,
      ].join('\n'),
      { version, digest: signed.value.trust.digest, revoked: names },
    );
  },
});

/** The document without these identities; the controller stays, with nothing that it may order. */
export function revoke(
  document: TrustDocument,
  names: readonly string[],
): { ok: true; value: TrustDocument } | Failure {
  const identities = { ...document.identities };
  for (const name of names) {
    if (name === operatorName || document.roots.some(({ kid }) => kid === name)) {
      const which = name === operatorName ? operatorName : name.replace(/^root-/, '');
      return fail(
        exits.refused,
        'key_needed',
        `Without ${name} you could order nothing. Replace its key: writ trust rotate ${which}`,
      );
    }
    const identity = document.identities[name];
    if (identity === undefined) {
      return fail(
        exits.usage,
        'identity_unknown',
        `Trust names no identity ${name}.${didYouMean(name, Object.keys(document.identities))}`,
      );
    }
    if (name === controllerName && identity.kind === 'key') identities[name] = { ...identity, may: [] };
    else delete identities[name];
  }
  return { ok: true, value: { ...document, identities } };
}

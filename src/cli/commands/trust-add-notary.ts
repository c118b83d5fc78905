import { didYouMean } from '../../../schema/near.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import { own } from '../../../schema/wire/record.ts';
import { changeTrust, unsigned } from '../change-trust.ts';
import { defineCommand } from '../command.ts';
import type { Failure } from '../outcome.ts';
import { signingOptions } from '../sign-trust.ts';

export const trustAddNotary = defineCommand({
  name: 'trust add-notary',
  summary: 'Have a relay say when it saw tokens of GitHub’s, for hosts that sleep meanwhile',
  usage: 'RELAY',
  more: [
    'A token of GitHub’s ends after minutes. A host that wakes later takes a release of a workflow by the word of a notary that saw its token alive. A notary says when it saw a token, and nothing else: it verifies nothing for others and orders nothing. It is a relay of a host that is always on.',
  ],
  examples: [
    { line: 'writ trust add-notary pve1', about: 'pve1 is always on' },
    { line: 'writ trust add-notary pve1 --remove', about: 'it is one no longer' },
  ],
  options: { remove: { type: 'flag', about: 'it is a notary no longer' }, ...signingOptions },
  run: (context, [relay = ''], values) =>
    changeTrust(context, values, {
      change: (document) => withNotary(document, relay, !values.remove),
      said: (version) =>
        `Trust version ${version} is signed: ${relay} is a notary${values.remove ? ' no longer' : ''}.`,
      json: { relay, notary: !values.remove },
    }),
});

function withNotary(
  document: TrustDocument,
  relay: string,
  isNotary: boolean,
): { ok: true; value: TrustDocument } | Failure {
  const { hosts } = document.house;
  const host = own(hosts, relay);
  if (host === undefined) {
    return unsigned(`There is no host ${relay}.${didYouMean(relay, Object.keys(hosts))}`, 'target_unknown');
  }
  const identity = own(document.identities, relay);
  if (identity?.kind !== 'relay') {
    return unsigned(`No relay of ${relay} is admitted yet: writ relays add ${relay}.`, 'relay_not_admitted');
  }
  if (isNotary && host.sleeps) {
    return unsigned(
      `${relay} sleeps, and would not see the tokens that come meanwhile. Name a host that is always on.`,
      'notary_sleeps',
    );
  }
  const { attests: _, ...plain } = identity;
  const identities = {
    ...document.identities,
    [relay]: isNotary ? { ...plain, attests: ['time'] as ['time'] } : plain,
  };
  return { ok: true, value: { ...document, identities } };
}

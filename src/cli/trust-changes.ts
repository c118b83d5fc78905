import { fingerprint, type PublicJwk, thumbprint } from '../../schema/jose/keys.ts';
import type { TrustDocument } from '../../schema/trust/document.ts';
import { identityChanges } from './identity-changes.ts';
import { isSame } from './same.ts';
import { changedMembers, type Named, namesOf, shown } from './shown.ts';
import { listed } from './text.ts';
import { originsInWords, shortRecipient } from './trust-words.ts';

const printOf = async (jwk: PublicJwk): Promise<string> => fingerprint(await thumbprint(jwk));

/** What a version says otherwise than the one before, as its owner would tell it; a line a change. */
export async function changesInWords(before: TrustDocument, after: TrustDocument): Promise<string[]> {
  const lines = [
    ...(await rootChanges(before, after)),
    ...(await identityChanges(before, after)),
    ...memberChanges('host', before.house.hosts, after.house.hosts),
    ...memberChanges('guest', before.house.guests, after.house.guests),
  ];
  if (!isSame(before.origins, after.origins)) {
    lines.push(`Relays reach the control plane at ${originsInWords(after.origins)}.`);
    if (originsInWords(before.origins) === originsInWords(after.origins)) lines.push('The pin is another.');
  }
  if (!isSame(before.recipients, after.recipients)) {
    const who = ({ recipients }: TrustDocument): string =>
      listed((recipients ?? ['nobody']).map(shortRecipient));
    lines.push(`What failing apps say is encrypted to ${who(after)}, instead of ${who(before)}.`);
  }
  // Told above, or of every version.
  const told = [
    'recipients',
    'version',
    'previous',
    'expires',
    'roots',
    'threshold',
    'origins',
    'house',
    'identities',
  ];
  const [old, next] = [before, after] as unknown as Named<unknown>[];
  for (const member of namesOf(before, after)) {
    if (told.includes(member) || isSame(old![member], next![member])) continue;
    lines.push(`${member}: ${shown(next![member])}, instead of ${shown(old![member])}.`);
  }
  if (lines.length === 0) lines.push('Who may order what stays as it is.');
  return [...lines, `Trust version ${after.version} holds until ${after.expires}.`];
}

async function rootChanges(before: TrustDocument, after: TrustDocument): Promise<string[]> {
  const lines: string[] = [];
  const old = new Map(before.roots.map(({ kid, jwk }) => [kid, jwk]));
  const next = new Map(after.roots.map(({ kid, jwk }) => [kid, jwk]));
  for (const [kid, jwk] of old) {
    const now = next.get(kid);
    if (now === undefined) lines.push(`${kid} is a root no longer: what it signs counts for nothing.`);
    else if (now.x !== jwk.x) {
      lines.push(
        `${kid} is replaced by ${await printOf(now)}: what the old one (${await printOf(jwk)}) signs counts for nothing.`,
      );
    }
  }
  for (const [kid, jwk] of next)
    if (!old.has(kid)) lines.push(`${kid} (${await printOf(jwk)}) is a new root.`);
  if (before.threshold !== after.threshold) {
    lines.push(`From now on ${after.threshold} of ${after.roots.length} roots must sign.`);
  }
  return lines;
}

function memberChanges(what: 'host' | 'guest', before: Named<object>, after: Named<object>): string[] {
  const lines: string[] = [];
  for (const name of namesOf(before, after)) {
    const [old, next] = [before[name], after[name]] as (Named<unknown> | undefined)[];
    if (old === undefined) lines.push(`${name} is a new ${what}.`);
    else if (next === undefined) lines.push(`${name} is no ${what} of the house any more.`);
    else {
      let changed = namesOf(old, next).filter((member) => !isSame(old[member], next[member]));
      if (what === 'guest' && changed.includes('identity') && old.identity === undefined) {
        lines.push(`${name} is adopted: it is ${shown(next.identity)}.`);
        changed = changed.filter((member) => member !== 'identity');
      }
      if (changed.length === 0) continue;
      lines.push(`${name}: ${changedMembers(changed, old, next)}.`);
    }
  }
  return lines;
}

import { fingerprint, type PublicJwk, thumbprint } from '../../schema/jose/keys.ts';
import type { Identity, TrustDocument } from '../../schema/trust/document.ts';
import type { TrustGrant } from '../../schema/trust/grant.ts';
import { isSame } from './same.ts';
import { listed } from './text.ts';
import { grantInWords, originsInWords, shortRecipient } from './trust-words.ts';

/** A value of a document as it is told: text as it stands, everything else as JSON. */
const shown = (value: unknown): string =>
  value === undefined || value === null
    ? 'nothing'
    : typeof value === 'string'
      ? value
      : JSON.stringify(value);

const printOf = async (jwk: PublicJwk): Promise<string> => fingerprint(await thumbprint(jwk));

type Named<T> = Readonly<Record<string, T>>;

/** Both sides' names, those of `before` first. */
const namesOf = (before: object, after: object): string[] => [
  ...new Set([...Object.keys(before), ...Object.keys(after)]),
];

/** What a version says otherwise than the one before, as its owner would tell it; a line a change. */
export async function changesInWords(before: TrustDocument, after: TrustDocument): Promise<string[]> {
  const lines = [
    ...(await rootChanges(before, after)),
    ...(await identityChanges(before.identities, after.identities)),
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

async function identityChanges(before: Named<Identity>, after: Named<Identity>): Promise<string[]> {
  const lines: string[] = [];
  for (const name of namesOf(before, after)) {
    const [old, next] = [before[name], after[name]];
    if (isSame(old, next)) continue;
    if (next === undefined) {
      lines.push(
        old!.kind === 'relay'
          ? `${name}'s relay is dismissed: it obeys nobody, and nothing that it signs counts.`
          : `${name} is revoked: nothing that it signs counts.`,
      );
      continue;
    }
    const print = 'jwk' in next ? ` (${await printOf(next.jwk)})` : '';
    if (old === undefined) {
      lines.push(next.kind === 'relay' ? `${name}'s relay${print} is admitted.` : `${name}${print} is new.`);
    } else if ('jwk' in old && 'jwk' in next && old.jwk.x !== next.jwk.x) {
      const who = next.kind === 'relay' ? `${name}'s relay` : name;
      lines.push(`${who} has another key${print}: nothing that the old one signs counts.`);
    }
    lines.push(...rightChanges(name, grantsOf(old), grantsOf(next)));
    const [oldRest, nextRest] = [restOf(old), restOf(next)];
    if (old !== undefined && !isSame(oldRest, nextRest)) {
      lines.push(`${name}: ${shown(nextRest)}, instead of ${shown(oldRest)}.`);
    }
  }
  return lines;
}

const grantsOf = (identity: Identity | undefined): readonly TrustGrant[] =>
  identity !== undefined && 'may' in identity ? identity.may : [];

/** What is told of an identity neither by its key nor by its rights. */
const restOf = (identity: Identity | undefined): object => {
  const { jwk: _, may: __, ...rest } = (identity ?? {}) as { jwk?: unknown; may?: unknown };
  return rest;
};

/** Each right by itself: who splits or joins grants changes nothing. */
function rightsOf(grants: readonly TrustGrant[]): Map<string, TrustGrant> {
  const rights = new Map<string, TrustGrant>();
  for (const grant of grants) {
    for (const target of grant.on) {
      const right = { ...grant, on: [target] };
      rights.set(JSON.stringify(right), right);
    }
  }
  return rights;
}

function rightChanges(name: string, before: readonly TrustGrant[], after: readonly TrustGrant[]): string[] {
  const [old, next] = [rightsOf(before), rightsOf(after)];
  const only = (of: Map<string, TrustGrant>, not: Map<string, TrustGrant>): string[] =>
    joined([...of].filter(([right]) => !not.has(right)).map(([, grant]) => grant)).map(grantInWords);
  return [
    ...only(old, next).map((right) => `${name} may no longer ${right}.`),
    ...only(next, old).map((right) => `${name} may ${right}.`),
  ];
}

/** Rights that differ in their target alone, as one. */
function joined(rights: readonly TrustGrant[]): TrustGrant[] {
  const found = new Map<string, TrustGrant>();
  for (const right of rights) {
    const kind = JSON.stringify({ ...right, on: [] });
    found.set(kind, { ...right, on: [...(found.get(kind)?.on ?? []), ...right.on] });
  }
  return [...found.values()];
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
      const words = changed.map(
        (member) => `${member} ${shown(next[member])} instead of ${shown(old[member])}`,
      );
      lines.push(`${name}: ${listed(words)}.`);
    }
  }
  return lines;
}

import { fingerprint, type PublicJwk, thumbprint } from '../../schema/jose/keys.ts';
import type { House, Identity, TrustDocument } from '../../schema/trust/document.ts';
import type { TrustGrant } from '../../schema/trust/grant.ts';
import { grantInWords } from './grant-words.ts';
import { isSame } from './same.ts';
import { changedMembers, type Named, namesOf } from './shown.ts';
import { notaryWords } from './trust-words.ts';
import { conditionsInWords, workflowInWords, workflowRights } from './workflow-words.ts';

type Side = Pick<TrustDocument, 'house' | 'identities'>;

const printOf = async (jwk: PublicJwk): Promise<string> => fingerprint(await thumbprint(jwk));

/** Which identities come, go, or are others than before, with each right that they gain or lose. */
export async function identityChanges(before: Side, after: Side): Promise<string[]> {
  const lines: string[] = [];
  for (const name of namesOf(before.identities, after.identities)) {
    const [old, next] = [before.identities[name], after.identities[name]];
    if (isSame(old, next)) continue;
    // Of another kind it is another one, under the same name.
    const isOther = old?.kind !== next?.kind;
    if (old !== undefined && isOther) lines.push(gone(name, old));
    if (next !== undefined && isOther) lines.push(...(await come(name, next)));
    if (old !== undefined && next !== undefined && !isOther) lines.push(...(await become(name, old, next)));
    if (next !== undefined) {
      const was = { may: isOther ? [] : grantsOf(old), house: before.house, kind: next.kind };
      lines.push(...rightChanges(name, was, { may: grantsOf(next), house: after.house, kind: next.kind }));
    }
  }
  return lines;
}

function gone(name: string, { kind }: Identity): string {
  switch (kind) {
    case 'relay':
      return `${name}'s relay is dismissed: it obeys nobody, and nothing that it signs counts.`;
    case 'github':
      return `${name} is revoked: no release of its workflow is taken any more.`;
    case 'standing':
      return 'Relays do nothing by themselves any more.';
    case 'key':
      return `${name} is revoked: nothing that it signs counts.`;
  }
}

async function come(name: string, identity: Identity): Promise<string[]> {
  switch (identity.kind) {
    case 'relay':
      return [
        `${name}'s relay (${await printOf(identity.jwk)}) is admitted.`,
        ...(identity.attests === undefined ? [] : [`${name}'s relay becomes ${notaryWords}.`]),
      ];
    case 'github':
      return [
        `${name} is new: ${workflowInWords(identity)}.`,
        `Tokens of ${name} must say ${conditionsInWords(identity)}.`,
      ];
    case 'standing':
      return ['Relays may do something by themselves, without a caller.'];
    case 'key':
      return [`${name} (${await printOf(identity.jwk)}) is new.`];
  }
}

/** What changes of one that stays of its kind, but for its rights. */
async function become(name: string, old: Identity, next: Identity): Promise<string[]> {
  const lines: string[] = [];
  if ('jwk' in old && 'jwk' in next && !isSame(old.jwk, next.jwk)) {
    const who = next.kind === 'relay' ? `${name}'s relay` : name;
    const print = await printOf(next.jwk);
    lines.push(`${who} has another key (${print}): nothing that the old one signs counts.`);
  }
  if (old.kind === 'relay' && next.kind === 'relay' && !isSame(old.attests, next.attests)) {
    lines.push(
      next.attests === undefined
        ? `${name}'s relay is a notary no longer: what it says of tokens counts for nothing.`
        : `${name}'s relay becomes ${notaryWords}.`,
    );
  }
  const [oldRest, nextRest] = [restOf(old), restOf(next)];
  const changed = namesOf(oldRest, nextRest).filter((member) => !isSame(oldRest[member], nextRest[member]));
  if (changed.length > 0) lines.push(`${name}: ${changedMembers(changed, oldRest, nextRest)}.`);
  return lines;
}

const grantsOf = (identity: Identity | undefined): readonly TrustGrant[] =>
  identity !== undefined && 'may' in identity ? identity.may : [];

/** What is told of an identity neither by its key, its rights nor its being a notary. */
function restOf(identity: Identity): Named<unknown> {
  const { jwk: _, may: __, attests: ___, ...rest } = identity as Identity & Named<unknown>;
  return rest;
}

/** Each right by itself: who splits or joins grants changes nothing. */
function rightsOf(grants: readonly TrustGrant[]): Map<string, TrustGrant> {
  const rights = new Map<string, TrustGrant>();
  for (const { paths, ...grant } of grants) {
    const sorted = paths === undefined || paths.length === 0 ? {} : { paths: [...new Set(paths)].sort() };
    for (const target of grant.on) {
      const { action, limit } = grant;
      const right = { action, on: [target], ...(limit !== undefined && { limit }), ...sorted };
      rights.set(JSON.stringify(right), right);
    }
  }
  return rights;
}

type Rights = { readonly may: readonly TrustGrant[]; readonly house: House; readonly kind: Identity['kind'] };

function rightChanges(name: string, before: Rights, after: Rights): string[] {
  const [old, next] = [rightsOf(before.may), rightsOf(after.may)];
  const only = (
    of: Map<string, TrustGrant>,
    not: Map<string, TrustGrant>,
    { house, kind }: Rights,
  ): string[] => {
    const rights = joined([...of].filter(([right]) => !not.has(right)).map(([, grant]) => grant));
    return kind === 'github'
      ? workflowRights(rights, house)
      : rights.flatMap((right) => grantInWords(right, house));
  };
  return [
    ...only(old, next, before).map((right) => `${name} may no longer ${right}.`),
    ...only(next, old, after).map((right) => `${name} may ${right}.`),
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

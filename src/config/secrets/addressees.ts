import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { toBytes } from '../../../schema/jose/digest.ts';
import { type AgeKind, ageKindOf } from '../../../schema/wire/age-recipient.ts';
import type { AgeHeader } from './age-header.ts';

/**
 * A stanza of our own, which age passes over as the format asks of it. Those of age do not tell to whom they are; this
 * one names them by their digests, so that a file is held against the recipients without any key.
 */
export const addresseeStanza = 'writ/to';

/** The stanzas that age itself makes for a recipient. */
const stanzaKinds: Readonly<Record<string, AgeKind>> = {
  X25519: 'classic',
  mlkem768x25519: 'post_quantum',
};

/** What stands for a recipient in a file: 128 bits of SHA-256 over its text, as base64url. */
export async function addresseeOf(recipient: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', toBytes(recipient));
  return encodeBase64url(new Uint8Array(digest).subarray(0, 16));
}

/** The addressees of recipients, sorted and each once: as a file holds them. */
export const addresseesOf = async (recipients: readonly string[]): Promise<readonly string[]> =>
  [...new Set(await Promise.all(recipients.map(addresseeOf)))].sort();

/** What the header of a secret says of its recipients. */
export type Addressed =
  /** Under a passphrase, which no machine has. */
  | { readonly kind: 'passphrase' }
  /** To keys of which age knows nothing by itself, such as those of SSH or of plugins. */
  | { readonly kind: 'foreign'; readonly type: string }
  | { readonly kind: 'mixed' }
  /** Made by another program: to so many, and it does not say to whom. */
  | { readonly kind: 'unnamed'; readonly count: number }
  /** What it names are not as many as can open it. */
  | { readonly kind: 'miscounted'; readonly named: number; readonly count: number }
  | { readonly kind: 'named'; readonly to: readonly string[]; readonly protection: AgeKind };

/** Grease of other programs is passed over, as age does; so it is of no meaning here either. */
const isGrease = (type: string): boolean => type.endsWith('-grease');

/** Reads to whom a file is encrypted, as far as its header tells. It is a claim: whoever made the file wrote it. */
export function readAddressed({ stanzas }: AgeHeader): Addressed {
  const real = stanzas.filter(({ type }) => type !== addresseeStanza && !isGrease(type));
  if (real.some(({ type }) => type === 'scrypt')) return { kind: 'passphrase' };
  const foreign = real.find(({ type }) => !Object.hasOwn(stanzaKinds, type));
  if (foreign !== undefined) return { kind: 'foreign', type: foreign.type };
  const protections = new Set(real.map(({ type }) => stanzaKinds[type]!));
  if (protections.size > 1) return { kind: 'mixed' };
  const count = real.length;
  const [own, ...more] = stanzas.filter(({ type }) => type === addresseeStanza);
  if (own === undefined || more.length > 0) return { kind: 'unnamed', count };
  const [protection] = protections;
  if (own.args.length !== count || protection === undefined)
    return { kind: 'miscounted', named: own.args.length, count };
  return { kind: 'named', to: own.args, protection };
}

export type Chosen =
  | { readonly ok: true; readonly recipients: readonly string[] }
  | { readonly ok: false; readonly protection: AgeKind };

/**
 * To whom a machine's secrets are encrypted: itself, and those of the owner's recipients that protect as its own does;
 * together with one of the other kind they would be worth no more than the weaker. Refuses with the kind that the owner
 * has no recipient of.
 */
export function chooseRecipients(machine: string, owner: readonly string[]): Chosen {
  const protection = ageKindOf(machine)!;
  const fitting = owner.filter((one) => ageKindOf(one) === protection && one !== machine);
  return fitting.length === 0
    ? { ok: false, protection }
    : { ok: true, recipients: [machine, ...new Set(fitting)] };
}

import { ok, type Result, refuse } from '../../../schema/result.ts';
import { addresseeStanza, addresseesOf } from '../../config/secrets/addressees.ts';
import { armorBegin, maxAgeBytes, readAgeHeader } from '../../config/secrets/age-header.ts';

/** Loaded by the commands that need it alone: it is most of what they are made of. */
const age = () => import('age-encryption');

/**
 * Encrypts to recipients in the binary form of age, with a stanza that names them.
 *
 * Refuses a recipient to whom nothing can be encrypted, such as one that is a point of small order.
 */
export async function encryptSecret(
  value: Uint8Array,
  recipients: readonly string[],
): Promise<Result<Uint8Array<ArrayBuffer>, 'recipient_weak'>> {
  const { Encrypter, Stanza } = await age();
  const encrypter = new Encrypter();
  const stanza = new Stanza([addresseeStanza, ...(await addresseesOf(recipients))], new Uint8Array());
  encrypter.addRecipient({ wrapFileKey: () => [stanza] });
  try {
    for (const recipient of recipients) encrypter.addRecipient(recipient);
    return ok(new Uint8Array(await encrypter.encrypt(value)));
  } catch {
    return refuse('recipient_weak', `nothing can be encrypted to one of ${recipients.join(', ')}`);
  }
}

/** A key, or a passphrase, that may open a file. */
export type Opener = { readonly identity: string } | { readonly passphrase: string };

export type OpenRefusal = 'age_unreadable' | 'age_not_for_key' | 'age_damaged';

/**
 * Decrypts a file of age, armored or not. What is too large is refused before it is parsed.
 *
 * @param maxBytes of the file
 */
export async function decryptAge(
  file: Uint8Array<ArrayBuffer>,
  openers: readonly Opener[],
  maxBytes = maxAgeBytes,
): Promise<Result<Uint8Array<ArrayBuffer>, OpenRefusal>> {
  const unreadable = (why: string) => refuse('age_unreadable', why);
  if (file.length > maxBytes) return unreadable(`it has ${file.length} bytes, over ${maxBytes}`);
  const { Decrypter, armor } = await age();
  let bytes = file;
  if (isArmored(file)) {
    try {
      bytes = new Uint8Array(armor.decode(new TextDecoder().decode(file)));
    } catch {
      return unreadable('its ASCII armor is malformed');
    }
  }
  const header = readAgeHeader(bytes);
  if (!header.ok) return unreadable(header.detail ?? header.reason);
  const decrypter = new Decrypter();
  for (const opener of openers) {
    if ('identity' in opener) decrypter.addIdentity(opener.identity);
    else decrypter.addPassphrase(opener.passphrase);
  }
  try {
    return ok(new Uint8Array(await decrypter.decrypt(bytes)));
  } catch (error) {
    return /no identity matched/.test((error as Error).message)
      ? refuse('age_not_for_key', 'it is not encrypted to this key')
      : refuse('age_damaged', 'it is damaged, or was changed');
  }
}

/** As that of the root key: 128 MiB. */
const scryptWorkFactor = 17;

/** Whether a file is in the ASCII armor of age. */
export const isArmored = (file: Uint8Array): boolean =>
  new TextDecoder().decode(file.subarray(0, 256)).trimStart().startsWith(armorBegin);

/** Encrypts a text under a passphrase, in ASCII armor: as `age -p -a` does, and `age -d` reads. */
export async function sealUnderPassphrase(text: string, passphrase: string): Promise<string> {
  const { Encrypter, armor } = await age();
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  encrypter.setScryptWorkFactor(scryptWorkFactor);
  return armor.encode(await encrypter.encrypt(text));
}

/** A new identity of age with its recipient. */
export async function makeIdentity(
  kind: 'classic' | 'post_quantum',
): Promise<{ identity: string; recipient: string }> {
  const { generateHybridIdentity, generateX25519Identity, identityToRecipient } = await age();
  const identity = await (kind === 'classic' ? generateX25519Identity() : generateHybridIdentity());
  return { identity, recipient: await identityToRecipient(identity) };
}

/** The recipient of an identity; null for a text that is none. */
export async function recipientOf(identity: string): Promise<string | null> {
  const { identityToRecipient } = await age();
  try {
    return await identityToRecipient(identity);
  } catch {
    return null;
  }
}

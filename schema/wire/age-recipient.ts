import * as v from 'valibot';

/**
 * How a recipient of age protects: an X25519 key (`age1…`), or a hybrid that a quantum computer does not break either
 * (`age1pq1…`, ML-KEM-768 with X25519). A file to both is only as strong as the first.
 */
export type AgeKind = 'classic' | 'post_quantum';

/** Bytes of each kind's public key, by the human-readable part of its Bech32 text. */
const kinds: Readonly<Record<string, { readonly kind: AgeKind; readonly bytes: number }>> = {
  age: { kind: 'classic', bytes: 32 },
  age1pq: { kind: 'post_quantum', bytes: 1216 },
};

const charset = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const checksumLength = 6;

/** The checksum of BIP 173 over 5-bit values; 1 for a text that holds its own. */
function polymod(values: readonly number[]): number {
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    for (const [bit, generator] of generators.entries()) if ((top >>> bit) & 1) sum ^= generator;
  }
  return sum;
}

/** The kind of a recipient in lower-case Bech32 (BIP 173, of any length), or null when the text is none. */
export function ageKindOf(text: string): AgeKind | null {
  const at = text.lastIndexOf('1');
  const prefix = text.slice(0, at);
  const known = Object.hasOwn(kinds, prefix) ? kinds[prefix] : undefined;
  if (known === undefined) return null;
  const values = [...text.slice(at + 1)].map((char) => charset.indexOf(char));
  const bits = known.bytes * 8;
  if (values.length !== Math.ceil(bits / 5) + checksumLength || values.includes(-1)) return null;
  const padding = (5 - (bits % 5)) % 5;
  if ((values.at(-checksumLength - 1)! & ((1 << padding) - 1)) !== 0) return null;
  const codes = [...prefix].map((char) => char.charCodeAt(0));
  const expanded = [...codes.map((code) => code >>> 5), 0, ...codes.map((code) => code & 31)];
  return polymod([...expanded, ...values]) === 1 ? known.kind : null;
}

/** A public key that secrets are encrypted to. */
export const ageRecipientSchema = v.pipe(
  v.string(),
  v.maxLength(2000),
  v.check(
    (text) => ageKindOf(text) !== null,
    'must be a recipient of age: age1… or age1pq1…, without a slip',
  ),
);

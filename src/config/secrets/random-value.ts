const lower = 'abcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';

/** What a new secret may be made of, by name. None of these needs quoting in a shell, in YAML or in a URL. */
export const alphabets: Readonly<Record<string, string>> = {
  alphanumeric: `${lower.toUpperCase()}${lower}${digits}`,
  lower: `${lower}${digits}`,
  base64url: `${lower.toUpperCase()}${lower}${digits}-_`,
  hex: `${digits}abcdef`,
  digits,
};

/** 190 bits of `alphanumeric`. */
export const defaultLength = 32;
export const maxLength = 4096;

/** How many bits somebody has to guess. */
export const strengthBits = (alphabet: string, length: number): number =>
  Math.floor(Math.log2(alphabet.length) * length);

/**
 * A value of so many characters, each as likely as any other.
 *
 * @param random gives random bytes
 * @param alphabet 2 to 128 different ASCII characters
 */
export function randomValue(random: (bytes: number) => Uint8Array, alphabet: string, length: number): string {
  // Bytes above the last multiple would make the first characters likelier.
  const limit = 256 - (256 % alphabet.length);
  let value = '';
  while (value.length < length) {
    for (const byte of random(length)) {
      if (byte < limit && value.length < length) value += alphabet[byte % alphabet.length];
    }
  }
  return value;
}

/** An alphabet by its name, or one that is written out; null for what cannot be one. */
export function readAlphabet(given: string): string | null {
  if (Object.hasOwn(alphabets, given)) return alphabets[given]!;
  const whole = new Set(given).size === given.length && /^[\x21-\x7e]{2,94}$/.test(given);
  return whole ? given : null;
}

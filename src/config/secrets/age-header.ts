import { ok, type Result, refuse } from '../../../schema/result.ts';

/** A header with 16 post-quantum recipients has 30 KB. What is larger is not parsed. */
export const maxAgeHeaderBytes = 64 * 1024;
/** What Podman takes as a secret. */
export const maxSecretBytes = 511_999;
/** A header, and a secret with its nonce and its tags; more than that is no secret of ours. */
export const maxAgeBytes = maxAgeHeaderBytes + maxSecretBytes + 1024;

export type Stanza = { readonly type: string; readonly args: readonly string[] };

export type AgeHeader = {
  readonly stanzas: readonly Stanza[];
  /** Bytes of what is encrypted; null for a payload of a length that age never writes. */
  readonly plainBytes: number | null;
};

export type AgeRefusal = 'not_age' | 'age_armored' | 'age_header_large' | 'age_malformed';

const version = 'age-encryption.org/v1';
export const armorBegin = '-----BEGIN AGE ENCRYPTED FILE-----';
const tagBytes = 16;
const nonceBytes = 16;
const chunkBytes = 64 * 1024 + tagBytes;

/** Of at most `maxAgeHeaderBytes`, read as Latin-1: a header is ASCII, and no other byte may stand in it. */
function headerText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < Math.min(bytes.length, maxAgeHeaderBytes); at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(at + 4096, maxAgeHeaderBytes)));
  }
  return text;
}

/**
 * Reads the header of an age file (age-encryption.org/v1) without a key: nothing in it is authenticated. No more than
 * `maxAgeHeaderBytes` are looked at, whatever the file's size.
 */
export function readAgeHeader(bytes: Uint8Array): Result<AgeHeader, AgeRefusal> {
  const text = headerText(bytes);
  if (text.startsWith(armorBegin)) return refuse('age_armored', 'it is in ASCII armor');
  if (!text.startsWith(`${version}\n`)) return refuse('not_age', 'it does not begin as a file of age does');
  const cut = bytes.length > maxAgeHeaderBytes;
  const stanzas: Stanza[] = [];
  let at = version.length + 1;
  const nextLine = (): string | null => {
    const end = text.indexOf('\n', at);
    if (end < 0) return null;
    const line = text.slice(at, end);
    at = end + 1;
    return line;
  };
  const short = (): Result<never, AgeRefusal> =>
    cut
      ? refuse('age_header_large', `its header has more than ${maxAgeHeaderBytes} bytes`)
      : refuse('age_malformed', 'its header has no end');
  for (;;) {
    const line = nextLine();
    if (line === null) return short();
    if (line.startsWith('---')) {
      if (!/^--- [A-Za-z0-9+/]{43}$/.test(line)) return refuse('age_malformed', 'its header has no MAC');
      return ok({ stanzas, plainBytes: plainBytesOf(bytes.length - at) });
    }
    const [arrow, type = '', ...args] = line.split(' ');
    if (arrow !== '->' || ![type, ...args].every((arg) => /^[\x21-\x7e]+$/.test(arg)))
      return refuse('age_malformed', 'a stanza of its header is malformed');
    stanzas.push({ type, args });
    for (;;) {
      const body = nextLine();
      if (body === null) return short();
      if (!/^[A-Za-z0-9+/]{0,64}$/.test(body))
        return refuse('age_malformed', 'a stanza of its header is malformed');
      if (body.length < 64) break;
    }
  }
}

/** The length of the plain text of a payload: a nonce, then chunks of 64 KiB with a tag each. */
function plainBytesOf(payloadBytes: number): number | null {
  const stream = payloadBytes - nonceBytes;
  if (stream < tagBytes) return null;
  const last = stream % chunkBytes;
  if (last > 0 && last <= tagBytes && stream > tagBytes) return null;
  return stream - Math.ceil(stream / chunkBytes) * tagBytes;
}

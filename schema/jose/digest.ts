import * as v from 'valibot';
import { runtime } from '#crypto';

/** What a digest is of. It is part of what is hashed, so that one kind never passes for another. */
export type DigestKind = 'intent' | 'release' | 'trust' | 'receipt' | 'audit' | 'facts';

export const digestSchema = v.pipe(
  v.string(),
  v.regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hex digits'),
);
export type Digest = string;

const text = new TextEncoder();

export const toBytes = (value: string): Uint8Array<ArrayBuffer> =>
  text.encode(value) as Uint8Array<ArrayBuffer>;

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

const hex = (bytes: Uint8Array): string => {
  let out = '';
  for (const byte of bytes) out += hexOfByte[byte];
  return out;
};

/** SHA-256 of the bytes, in lower-case hex. */
export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(await runtime.sha256(bytes));
}

/** The digest of plain bytes, `sha256:<hex>`: bodies of requests, blobs. */
export async function digestBytes(bytes: Uint8Array<ArrayBuffer>): Promise<Digest> {
  return `sha256:${await sha256Hex(bytes)}`;
}

/** The digest that authorities sign and chains link: SHA-256(`writ/1/` ‖ kind ‖ 0x00 ‖ bytes). */
export async function digestOf(kind: DigestKind, bytes: Uint8Array | string): Promise<Digest> {
  const body = typeof bytes === 'string' ? toBytes(bytes) : bytes;
  const prefix = toBytes(`writ/1/${kind}\0`);
  const joined = new Uint8Array(prefix.length + body.length);
  joined.set(prefix);
  joined.set(body, prefix.length);
  return digestBytes(joined);
}

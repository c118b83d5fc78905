import { runtime } from '#crypto';
import { ok, type Result, refuse } from '../result.ts';

/** 32 bytes in the one text that `decodeBase64url` takes for them: the last character has no spare bits. */
export const bytes32Pattern = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** Bytes as base64url without padding (RFC 4648 section 5). */
export const encodeBase64url = (bytes: Uint8Array | string): string => runtime.toBase64url(bytes);

/**
 * Decodes base64url, refusing every text but the one that encoding the result gives: no padding, no inner
 * space, no spare bits. Common decoders accept several texts for one value, which makes ids malleable.
 */
export function decodeBase64url(text: string): Result<Uint8Array<ArrayBuffer>, 'base64url_not_canonical'> {
  const bytes = runtime.fromBase64url(text);
  return runtime.toBase64url(bytes) === text ? ok(bytes) : refuse('base64url_not_canonical');
}

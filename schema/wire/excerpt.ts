import * as v from 'valibot';
import { decodeBase64url } from '../jose/base64url.ts';
import type { Receipt } from './receipt.ts';

/**
 * What programs of a target said when a part failed there, as a file of age to trust's `recipients`. A receipt carries it
 * as this member of its result, in which every version of the protocol lets texts stand.
 */
export const excerptMember = 'excerpt';

/** Of the encrypted file: with all else that a receipt may hold, in base64 twice, it stays below `maxReceiptBytes`. */
export const maxExcerptBytes = 3840;
const maxExcerptText = Math.ceil((maxExcerptBytes * 4) / 3);

/** How every file of age begins (age-encryption.org/v1): what begins otherwise may be in clear. */
export const ageFileStart = 'age-encryption.org/v1\n';

/** base64url of such a file. */
export const excerptSchema = v.pipe(
  v.string(),
  v.maxLength(maxExcerptText),
  v.check((text) => fileOf(text) !== null, 'must be a file of age as base64url'),
);

function fileOf(text: string): Uint8Array<ArrayBuffer> | null {
  const bytes = decodeBase64url(text);
  if (!bytes.ok) return null;
  const start = new TextDecoder().decode(bytes.value.subarray(0, ageFileStart.length));
  return start === ageFileStart ? bytes.value : null;
}

/** The encrypted file that a receipt carries, or null. */
export function excerptOf({
  state,
  result,
}: Pick<Receipt, 'state' | 'result'>): Uint8Array<ArrayBuffer> | null {
  if (state !== 'failed' && state !== 'unknown') return null;
  const text = result === null || !Object.hasOwn(result, excerptMember) ? null : result[excerptMember];
  return v.is(excerptSchema, text) ? fileOf(text) : null;
}

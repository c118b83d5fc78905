import { createHash } from 'node:crypto';
import type { Digest } from '../../schema/jose/digest.ts';

/** As `digestBytes`, but here and now: WebCrypto sends each of a repo's many small files to another thread. */
export const digestHere = (bytes: Uint8Array<ArrayBuffer>): Digest =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

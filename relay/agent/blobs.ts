import { digestBytes } from '../../schema/jose/digest.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { maxBlobBytes } from '../../schema/wire/limits.ts';
import type { Link } from './link.ts';

/** Why bytes of a release are not at hand. */
export type BlobReason = 'blob_missing' | 'blob_unreachable';

/** Bytes of releases by the digest that names them; what it gives was compared with it. */
export type Blobs = {
  /** Never rejects. */
  get(digest: string, signal: AbortSignal): Promise<Result<Uint8Array<ArrayBuffer>, BlobReason>>;
};

/** The largest blob over a link of some 100 kB a second. */
const blobMs = 90_000;
const attempts = 3;
const pauseMs = 1_000;
/** A step looks at its part and its units before it begins, and again when it acts. */
const keptBytes = 2 * 1024 * 1024;

/**
 * Fetches from the API, by whichever origin has the right bytes, and keeps the latest. Tries again when nothing
 * answers: a link may flicker.
 */
export function createBlobs(deps: {
  readonly link: Pick<Link, 'bytes'>;
  readonly clock: { sleep(ms: number, signal?: AbortSignal): Promise<unknown> };
}): Blobs {
  /** The oldest first. */
  const kept = new Map<string, Uint8Array<ArrayBuffer>>();

  const keep = (digest: string, bytes: Uint8Array<ArrayBuffer>): void => {
    kept.delete(digest);
    kept.set(digest, bytes);
    let size = [...kept.values()].reduce((sum, { length }) => sum + length, 0);
    for (const [oldest, { length }] of kept) {
      if (size <= keptBytes) return;
      kept.delete(oldest);
      size -= length;
    }
  };

  const bring = async (digest: string, signal: AbortSignal) => {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await deps.link.bytes({
        path: `/v1/relay/blobs/${digest.slice('sha256:'.length)}`,
        maxBytes: maxBlobBytes,
        timeoutMs: blobMs,
        signal,
        fits: async (bytes) => (await digestBytes(bytes)) === digest,
      });
      if (answer.ok) return ok(answer.value);
      if (answer.reason === 'refused' && answer.status === 404) return refuse('blob_missing', digest);
      if (answer.reason === 'refused' || attempt === attempts || signal.aborted) {
        return refuse('blob_unreachable', answer.detail);
      }
      await deps.clock.sleep(pauseMs * attempt, signal);
    }
  };

  return {
    async get(digest, signal) {
      const known = kept.get(digest);
      const found = known === undefined ? await bring(digest, signal) : ok(known);
      if (found.ok) keep(digest, found.value);
      return found;
    },
  };
}

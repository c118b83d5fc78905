import { missingAnswerSchema } from '../../../schema/api/deployments.ts';
import { type Digest, digestBytes } from '../../../schema/jose/digest.ts';
import { parsePayload } from '../../../schema/jose/jws.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import { maxBlobBytes } from '../../../schema/wire/limits.ts';
import {
  type ReleaseManifest,
  type ReleasePart,
  releaseManifestSchema,
  releasePartSchema,
} from '../../../schema/wire/release.ts';
import type { Api, ApiFailure } from '../api.ts';
import { eachAtOnce } from '../each.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import { pause } from '../pause.ts';
import type { Follower } from './follow.ts';

export type Blobs = ReadonlyMap<Digest, Uint8Array<ArrayBuffer>>;

const blobUrl = (digest: Digest): string => `/v1/blobs/${digest.slice('sha256:'.length)}`;

const wrong = (what: string): Failure =>
  fail(
    exits.refused,
    'blob_wrong',
    `The control plane gave other bytes than ${what} has. They were not used, and nothing was done. It may be taken.`,
  );

/** Fetches bytes by their digest, and believes nothing but that. */
export async function fetchBlob(
  api: Api,
  digest: Digest,
): Promise<{ ok: true; value: Uint8Array<ArrayBuffer> } | Failure> {
  const got = await api.getBytes(blobUrl(digest), maxBlobBytes);
  if (!got.ok) return got;
  return (await digestBytes(got.value)) === digest ? got : wrong(digest);
}

/** Fetches a part that was released before. What it says can only be what its digest says. */
export async function fetchPart(
  api: Api,
  digest: Digest,
  target: string,
): Promise<{ ok: true; value: { part: ReleasePart; bytes: Uint8Array<ArrayBuffer> } } | Failure> {
  const got = await fetchBlob(api, digest);
  if (!got.ok) return got;
  const parsed = parsePayload(got.value, releasePartSchema, maxBlobBytes);
  if (!parsed.ok || parsed.value.target !== target) return wrong(`a part of ${target}`);
  return { ok: true, value: { part: parsed.value, bytes: got.value } };
}

/** Fetches what a release held. */
export async function fetchManifest(
  api: Api,
  digest: Digest,
): Promise<{ ok: true; value: ReleaseManifest } | Failure> {
  const got = await fetchBlob(api, digest);
  if (!got.ok) return got;
  const parsed = parsePayload(got.value, releaseManifestSchema, maxBlobBytes);
  const isOne = parsed.ok && canonicalJson(parsed.value) === new TextDecoder().decode(got.value);
  return isOne ? { ok: true, value: parsed.value } : wrong('a release');
}

const mostAsked = 20_000;

/** Which of these the control plane lacks; it may name no others. */
export async function missingOf(
  api: Api,
  digests: readonly Digest[],
): Promise<{ ok: true; value: readonly Digest[] } | ApiFailure> {
  const asked = new Set(digests);
  const missing: Digest[] = [];
  for (let at = 0; at < digests.length; at += mostAsked) {
    const answer = await api.call({
      method: 'POST',
      url: '/v1/blobs/missing',
      body: { digests: digests.slice(at, at + mostAsked) },
      answer: missingAnswerSchema,
    });
    if (!answer.ok) return answer;
    missing.push(...answer.value.missing.filter((digest) => asked.has(digest)));
  }
  return { ok: true, value: [...new Set(missing)] };
}

/** How long an upload goes on while not one blob arrives. */
const patienceMs = 3 * 60_000;
const atOnce = 4;
/** A control plane that has taken everything so often, and still lacks something, keeps nothing. */
const mostRounds = 3;

type Uploader = Pick<Follower, 'progress' | 'now' | 'signal'>;

/**
 * Uploads what the control plane lacks, and goes on where it was after a cut. Nothing that arrived is sent twice, by
 * this call or by the next.
 */
export async function uploadBlobs(
  context: Uploader,
  api: Api,
  blobs: Blobs,
): Promise<{ ok: true; value: { readonly sent: number; readonly bytes: number } } | Failure> {
  const done = { sent: 0, bytes: 0 };
  const arrived = new Set<Digest>();
  let since = context.now();
  let rounds = 0;
  let cuts = 0;
  while (blobs.size > 0) {
    const missing = await missingOf(api, [...blobs.keys()]);
    if (missing.ok && missing.value.length === 0) return { ok: true, value: done };
    const before = done.sent;
    const trouble = missing.ok
      ? await putAll(context, api, blobs, missing.value, { done, arrived })
      : missing;
    if (trouble === null) rounds += 1;
    const failure = trouble ?? (rounds === mostRounds ? notKept : null);
    if (failure === null) continue;
    if (done.sent > before) {
      since = context.now();
      cuts = 0;
    }
    const goesOn = isPassing(failure) && !context.signal.aborted && context.now() - since < patienceMs;
    if (!goesOn) return { ...failure, detail: `${failure.detail}\n${resumed(done.sent)}` };
    context.progress.note(`${failure.detail.split('\n')[0]} Trying again.`);
    cuts += 1;
    await pause(Math.min(500 * cuts, 10_000), context.signal);
  }
  return { ok: true, value: done };
}

/** Puts blobs, some at once, until all are there or one cannot be put. */
async function putAll(
  context: Uploader,
  api: Api,
  blobs: Blobs,
  digests: readonly Digest[],
  // What arrives again is no news: who takes a file and lacks it each time would be sent it for ever.
  { done, arrived }: { readonly done: { sent: number; bytes: number }; readonly arrived: Set<Digest> },
): Promise<ApiFailure | null> {
  let put = 0;
  const say = (): void => context.progress.say(`Uploading: ${put} of ${digests.length} files`);
  say();
  return eachAtOnce(digests, atOnce, async (digest) => {
    const blob = blobs.get(digest)!;
    const answer = await api.putBytes(blobUrl(digest), blob);
    if (!answer.ok) return answer;
    put += 1;
    say();
    if (arrived.has(digest)) return null;
    arrived.add(digest);
    done.sent += 1;
    done.bytes += blob.length;
    return null;
  });
}

const notKept: ApiFailure = {
  ok: false,
  exit: exits.failed,
  reason: 'blobs_not_kept',
  detail: 'The control plane took files, and says that it lacks them.',
  ambiguous: false,
};

const resumed = (sent: number): string =>
  `Nothing was signed or deployed. ${sent} files have arrived: run the same command again, and it goes on from there.`;

/** Whether the same request may go well in a moment. */
const isPassing = ({ reason, ambiguous }: ApiFailure): boolean =>
  ambiguous || reason === 'unreachable' || reason === 'timeout';

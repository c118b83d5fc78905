import * as v from 'valibot';
import { digestSchema } from '../jose/digest.ts';
import { parsePayload } from '../jose/jws.ts';
import { type Result, refuse } from '../result.ts';
import { countSchema, homeIdSchema, nameSchema, timeSchema } from './ids.ts';
import { maxSteps, type Step } from './intent.ts';
import { maxIntentBytes } from './limits.ts';

/** Targets of one release: each part is a step of its order. */
export const maxOrderedParts = maxSteps;

/**
 * Where a release stands among others: GitHub's run and attempt, 0 before the first, and a counter that each release
 * from the desk raises.
 */
export const orderNumberSchema = v.strictObject({
  run_id: countSchema,
  run_attempt: countSchema,
  desk: countSchema,
});
export type ReleaseOrderNumber = v.InferOutput<typeof orderNumberSchema>;

export const releaseOrderSchema = v.strictObject({
  v: v.literal(1),
  home: homeIdSchema,
  /** Of the manifest's bytes: what the release holds. */
  release: digestSchema,
  /** Of the repo, as git names it; null for what was built beside git. */
  commit: v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/))),
  order: orderNumberSchema,
  /** When it was signed. A release does not expire; a relay refuses what is older than its own enrolment. */
  issued_at: timeSchema,
  /** Sorted by target, each once. The digest is of the part's bytes. */
  parts: v.pipe(
    v.array(
      v.strictObject({
        relay: nameSchema,
        target: nameSchema,
        digest: digestSchema,
        /** A part that failed on its target before is tried anew. */
        again: v.optional(v.literal(true)),
      }),
    ),
    v.minLength(1),
    v.maxLength(maxOrderedParts),
  ),
});
/** What an authority signs to have a release applied. Its bytes bind every part; a job only selects among them. */
export type ReleaseOrder = v.InferOutput<typeof releaseOrderSchema>;

/** What an authority's JWS says of a release order's bytes. */
export const releaseAuthorisationSchema = v.strictObject({
  home: homeIdSchema,
  kind: v.literal('release'),
  digest: digestSchema,
});

/** Parses an order's bytes, to be called only after an authorisation of them verified (or on one's own words). */
export function parseReleaseOrder(bytes: Uint8Array): Result<ReleaseOrder, 'release_malformed'> {
  const parsed = parsePayload(bytes, releaseOrderSchema, maxIntentBytes);
  if (!parsed.ok) return refuse('release_malformed', parsed.detail ?? parsed.reason);
  const { parts } = parsed.value;
  const isSorted = parts.every((part, index) => index === 0 || parts[index - 1]!.target < part.target);
  return isSorted ? parsed : refuse('release_malformed', 'its parts are not sorted by target, each once');
}

/** Below 0 when `a` comes before `b`. */
export const compareOrders = (a: ReleaseOrderNumber, b: ReleaseOrderNumber): number =>
  a.run_id - b.run_id || a.run_attempt - b.run_attempt || a.desk - b.desk;

/** The action that a release's order asks for on each of its targets. */
export const releaseAction = 'release.apply';

/** The order's parts as the steps that they are, by their index. */
export const stepsOfOrder = ({ parts }: ReleaseOrder): Step[] =>
  parts.map(({ relay, target, digest, again }) => ({
    relay,
    action: releaseAction,
    target,
    params: { part: digest, ...(again && { again }) },
    after: [],
  }));

import * as v from 'valibot';
import { countSchema, homeIdSchema, nameSchema, nonceSchema, timeSchema } from './ids.ts';
import { maxSteps } from './intent.ts';
import { maxAuthorisationBytes, maxGithubTokenBytes, maxIntentBytes, maxReceiptBytes } from './limits.ts';

export const jobSchema = v.strictObject({
  home: homeIdSchema,
  relay: nameSchema,
  /** The nonce of this run of the relay, and the job's number in it, from 1: nothing recorded verifies. */
  session: nonceSchema,
  seq: v.pipe(countSchema, v.minValue(1)),
  exp: timeSchema,
  /** What `intent` holds: a release's order where this says so, else an intent. */
  kind: v.optional(v.literal('release')),
  /** The bytes of the intent or of the release's order, as base64url. */
  intent: v.pipe(v.string(), v.maxLength(Math.ceil((maxIntentBytes * 4) / 3) + 4)),
  /** JWS of typ writ-intent+jws, or writ-release+jws, over {home, kind, digest}; or a token of GitHub's. */
  authorisation: v.pipe(v.string(), v.maxLength(maxGithubTokenBytes)),
  /** A notary's attestation of that token, once there is one. */
  time: v.optional(v.pipe(v.string(), v.maxLength(maxAuthorisationBytes))),
  step: v.pipe(countSchema, v.maxValue(maxSteps - 1)),
  /** JWS of the receipts of the steps it comes after. */
  receipts: v.pipe(v.array(v.pipe(v.string(), v.maxLength(maxReceiptBytes))), v.maxLength(maxSteps)),
});
/** The controller's envelope that brings one step of one intent, or one part of one release, to one relay. */
export type Job = v.InferOutput<typeof jobSchema>;

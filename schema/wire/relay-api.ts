import * as v from 'valibot';
import { bytes32Pattern } from '../jose/base64url.ts';
import { digestSchema } from '../jose/digest.ts';
import { publicJwkSchema } from '../jose/keys.ts';
import { originSchema } from '../trust/document.ts';
import { codeIdSchema, countSchema, homeIdSchema, nameSchema, nonceSchema, timeSchema } from './ids.ts';
import { maxHeartbeatBytes, maxJobBytes, maxReceiptBytes, maxReportBytes, maxTrustBytes } from './limits.ts';
import { hostFactsSchema } from './report.ts';
import { maxAttestations } from './time.ts';

/** POST /v1/relay/poll */
export const pollRequestSchema = v.strictObject({
  protocol: countSchema,
  session: nonceSchema,
  /** Numbered up from 1 in each run. */
  poll: v.pipe(countSchema, v.minValue(1)),
  /** The highest job number seen in this run: the API re-offers what it offered above it. */
  seen: countSchema,
  trust_version: countSchema,
  /** Head of the relay's own chain of receipts. */
  receipts: v.strictObject({ seq: countSchema, hash: digestSchema }),
  /** Milliseconds that the API may park this poll; 0 answers at once. */
  wait_ms: v.pipe(countSchema, v.maxValue(60_000)),
});
export type PollRequest = v.InferOutput<typeof pollRequestSchema>;

export const pollAnswerSchema = v.strictObject({
  heartbeat: v.pipe(v.string(), v.maxLength(maxHeartbeatBytes)),
  jobs: v.pipe(v.array(v.pipe(v.string(), v.maxLength(maxJobBytes))), v.maxLength(16)),
  /** Reports of other relays, as signed by them: they tell a waking relay that its host has woken. */
  evidence: v.pipe(v.array(v.pipe(v.string(), v.maxLength(maxReportBytes))), v.maxLength(16)),
  trust_version: countSchema,
  /** The API would like a report now. */
  report_wanted: v.boolean(),
  /** Digests of tokens that this relay, a notary, is asked to attest. Since protocol 3. */
  attest: v.optional(v.pipe(v.array(digestSchema), v.maxLength(maxAttestations))),
  /** How far the API holds this relay's receipts without a gap. */
  receipts_seq: countSchema,
  /** The last receipt that the API holds of this relay, when the relay's own head is behind it. */
  last_receipt: v.nullable(v.pipe(v.string(), v.maxLength(maxReceiptBytes))),
});
export type PollAnswer = v.InferOutput<typeof pollAnswerSchema>;

/** POST /v1/relay/receipts, in order of their seq. */
export const receiptsRequestSchema = v.strictObject({
  receipts: v.pipe(
    v.array(v.pipe(v.string(), v.maxLength(maxReceiptBytes))),
    v.minLength(1),
    v.maxLength(32),
  ),
});
export const receiptsAnswerSchema = v.strictObject({ receipts_seq: countSchema });

/** POST /v1/relay/reports */
export const reportRequestSchema = v.strictObject({
  report: v.pipe(v.string(), v.maxLength(maxReportBytes)),
});

/** A signature of RFC 7515 section 7.2.1, of which trust needs several over one payload. */
export const trustJwsSchema = v.strictObject({
  payload: v.pipe(v.string(), v.maxLength(maxTrustBytes)),
  signatures: v.pipe(
    v.array(
      v.strictObject({
        protected: v.pipe(v.string(), v.maxLength(512)),
        signature: v.pipe(v.string(), v.maxLength(128)),
      }),
    ),
    v.minLength(1),
    v.maxLength(16),
  ),
});
export type TrustJws = v.InferOutput<typeof trustJwsSchema>;

/** GET /v1/trust?after=N, the mirror's file, and what `writ-relay trust install` reads: oldest first. */
export const trustChainSchema = v.strictObject({
  versions: v.pipe(v.array(trustJwsSchema), v.maxLength(1000)),
});
export type TrustChain = v.InferOutput<typeof trustChainSchema>;

/** What the relay says when it enrols; both MACs are over these very bytes. */
export const enrolmentStatementSchema = v.strictObject({
  home: homeIdSchema,
  relay: nameSchema,
  code: codeIdSchema,
  /** The trust document that the relay was told to obey. */
  trust: digestSchema,
  jwk: publicJwkSchema,
  facts: hostFactsSchema,
});
export type EnrolmentStatement = v.InferOutput<typeof enrolmentStatementSchema>;

const macSchema = v.pipe(v.string(), v.regex(bytes32Pattern));

/** POST /v1/relay/enroll, with a proof by the new key. */
export const enrolRequestSchema = v.strictObject({
  /** base64url of the statement's JSON. */
  statement: v.pipe(v.string(), v.maxLength(64 * 1024)),
  controller_mac: macSchema,
  owner_mac: macSchema,
});
export type EnrolRequest = v.InferOutput<typeof enrolRequestSchema>;
export const enrolAnswerSchema = trustChainSchema;

/** What `writ relays add` puts into a code, and `writ-relay enroll` reads from it. */
export const enrolmentCodeSchema = v.strictObject({
  origin: originSchema.entries.url,
  spki: v.nullable(digestSchema),
  home: homeIdSchema,
  relay: nameSchema,
  trust: digestSchema,
  code: codeIdSchema,
  secret: v.pipe(v.string(), v.regex(bytes32Pattern)),
  expires: timeSchema,
});
export type EnrolmentCode = v.InferOutput<typeof enrolmentCodeSchema>;

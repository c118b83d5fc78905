import * as v from 'valibot';
import { digestSchema } from '../jose/digest.ts';
import { countSchema, deploymentIdSchema, nameSchema, principalTextSchema, timeSchema } from '../wire/ids.ts';
import { maxGithubTokenBytes, maxIntentBytes, maxReceiptBytes } from '../wire/limits.ts';
import { codeSchema } from '../wire/receipt.ts';
import { recordOf } from '../wire/record.ts';
import { releaseOrderSchema } from '../wire/release-order.ts';
import { targetReportSchema } from '../wire/report.ts';

/** POST /v1/blobs/missing: which of these the server lacks. */
export const missingRequestSchema = v.strictObject({
  digests: v.pipe(v.array(digestSchema), v.maxLength(20_000)),
});
export const missingAnswerSchema = v.strictObject({ missing: v.array(digestSchema) });

/** PUT /v1/blobs/{sha256}: 64 hex digits, of the body's bytes. */
export const blobParamsSchema = v.strictObject({
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits')),
});

/** POST /v1/releases: an order, once the manifest, the parts and all that they name were uploaded. */
export const releaseRequestSchema = v.strictObject({
  /** The bytes of the order as base64url. */
  order: v.pipe(v.string(), v.maxLength(Math.ceil((maxIntentBytes * 4) / 3) + 4)),
  /** JWS of typ writ-release+jws over {home, kind, digest}; or an ID token of GitHub's whose audience names them. */
  authorisation: v.pipe(v.string(), v.maxLength(maxGithubTokenBytes)),
});
export type ReleaseRequest = v.InferOutput<typeof releaseRequestSchema>;

export const targetStates = [
  /** Waits for its relay: it gets the newest release once that polls. */
  'pending',
  /** All bytes are on the target, and its own programs took them. */
  'staged',
  /** The new generation is in force; its health is waited for. */
  'activated',
  'healthy',
  /** It did not come up: the generation before is in force again, or nothing was changed. */
  'rolled-back',
  /** The relay refused it, or cannot say what came of it. */
  'failed',
  /** A newer release came before it began. */
  'superseded',
] as const;
export type TargetState = (typeof targetStates)[number];

export const deploymentTargetSchema = v.strictObject({
  target: nameSchema,
  relay: nameSchema,
  part: digestSchema,
  state: v.picklist(targetStates),
  /** Why it is not healthy; explained in docs/errors.md. */
  code: v.nullable(codeSchema),
  /** What the activation did, once it is healthy. */
  result: v.nullable(recordOf(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()]))),
  started_at: v.nullable(timeSchema),
  ended_at: v.nullable(timeSchema),
});
export type DeploymentTarget = v.InferOutput<typeof deploymentTargetSchema>;

export const deploymentViewSchema = v.strictObject({
  id: deploymentIdSchema,
  /** digestOf('release') of the order's bytes: what was signed, and what receipts name. */
  digest: digestSchema,
  order: releaseOrderSchema,
  principal: principalTextSchema,
  created_at: timeSchema,
  /** Once no target is pending, staged or activated. */
  ended_at: v.nullable(timeSchema),
  sentence: v.string(),
  targets: v.array(deploymentTargetSchema),
  /** The relays' signed receipts, so that a caller can verify the outcome against trust itself. */
  receipts: v.array(v.pipe(v.string(), v.maxLength(maxReceiptBytes))),
});
/** A release on its way to its targets. */
export type DeploymentView = v.InferOutput<typeof deploymentViewSchema>;

/** GET /v1/deployments: the newest first. */
export const deploymentListSchema = v.strictObject({ deployments: v.array(deploymentViewSchema) });

/** What a target is now, in three words. Null: nobody has seen it yet. */
export const targetViewSchema = v.strictObject({
  target: nameSchema,
  relay: nameSchema,
  /** The part that it should run, by its newest release; null where no release names it. */
  wanted: v.nullable(digestSchema),
  commit: v.nullable(v.string()),
  /** Whether it runs what it should. */
  deployed: v.nullable(v.boolean()),
  /** Whether all its services run. */
  healthy: v.nullable(v.boolean()),
  /** Whether all its files are as released. */
  synced: v.nullable(v.boolean()),
  deployment: v.nullable(deploymentIdSchema),
  state: v.nullable(v.picklist(targetStates)),
  code: v.nullable(codeSchema),
  /** Of its last success. */
  healthy_at: v.nullable(timeSchema),
  report: v.nullable(targetReportSchema),
});
export type TargetView = v.InferOutput<typeof targetViewSchema>;

/** GET /v1/targets: every target that a release or a report names. `next` is the lowest number that a release from the desk may have. */
export const targetListSchema = v.strictObject({
  targets: v.array(targetViewSchema),
  next: v.strictObject({ run_id: countSchema, run_attempt: countSchema, desk: countSchema }),
});

import * as v from 'valibot';
import { digestSchema } from '../jose/digest.ts';
import {
  commandIdSchema,
  countSchema,
  nameSchema,
  principalTextSchema,
  targetNameSchema,
  timeSchema,
} from '../wire/ids.ts';
import { stepSchema } from '../wire/intent.ts';
import { maxAuthorisationBytes, maxIntentBytes, maxReceiptBytes } from '../wire/limits.ts';
import { codeSchema } from '../wire/receipt.ts';
import { recordOf } from '../wire/record.ts';

/** What a caller asks for: one action on one target, or a runbook. */
export const orderSchema = v.union([
  v.strictObject({
    action: v.pipe(v.string(), v.regex(/^[a-z]+\.[a-z-]{1,40}$/)),
    target: targetNameSchema,
    params: v.optional(recordOf(v.string(), v.unknown()), {}),
  }),
  v.strictObject({ runbook: nameSchema }),
]);
export type Order = v.InferOutput<typeof orderSchema>;

const bytesOfIntentSchema = v.pipe(v.string(), v.maxLength(Math.ceil((maxIntentBytes * 4) / 3) + 4));

/** POST /v1/plans: what would be done, as bytes to be checked and signed. */
export const planRequestSchema = v.strictObject({ order: orderSchema });
export const planSchema = v.strictObject({
  order: orderSchema,
  /** The intent's bytes as base64url; these very bytes are signed and executed. */
  intent: bytesOfIntentSchema,
  digest: digestSchema,
  steps: v.array(stepSchema),
  /** Whether the controller alone may order it; otherwise an authority of the owner must sign. */
  controller_may: v.boolean(),
  /** What the planner noticed: "devtop holds gpu0 and is shut down first". */
  notes: v.array(v.string()),
});
export type Plan = v.InferOutput<typeof planSchema>;

/** POST /v1/commands: a planned intent that an authority of the trust document signed. */
export const submitRequestSchema = v.strictObject({
  order: orderSchema,
  intent: bytesOfIntentSchema,
  authorisation: v.pipe(v.string(), v.maxLength(maxAuthorisationBytes)),
});
export type SubmitRequest = v.InferOutput<typeof submitRequestSchema>;

export const stepStates = [
  /** Comes after steps that have not ended. */
  'waiting',
  /** Ready for its relay's next poll. */
  'queued',
  /** In an envelope on its way. */
  'sent',
  /** The relay journalled it and acts. */
  'started',
  'succeeded',
  'failed',
  'refused',
  /** The relay was interrupted and could not find out what came of it. */
  'unknown',
  /** A step before it did not end as this one needs. */
  'skipped',
  /** Its intent ended before its relay took it: nothing was done. */
  'expired',
] as const;
export type StepState = (typeof stepStates)[number];

export const stepViewSchema = v.strictObject({
  /** Which of the command's intents: 0, or higher after a further attempt. */
  attempt: countSchema,
  step: countSchema,
  relay: nameSchema,
  action: v.string(),
  target: targetNameSchema,
  state: v.picklist(stepStates),
  code: v.nullable(codeSchema),
  result: v.nullable(recordOf(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()]))),
  started_at: v.nullable(timeSchema),
  ended_at: v.nullable(timeSchema),
});
export type StepView = v.InferOutput<typeof stepViewSchema>;

export const commandStates = [
  /** For the operator's approval: nothing is signed, locked or sent. */
  'waiting',
  'running',
  'succeeded',
  'failed',
  'refused',
  /** Nobody can say what came of a step. */
  'unknown',
  /** Nothing was done in time. */
  'expired',
  /** A host is powering off, or a started step has not been heard of: its end comes with a later receipt. */
  'unconfirmed',
] as const;
export type CommandState = (typeof commandStates)[number];

export const commandViewSchema = v.strictObject({
  id: commandIdSchema,
  order: orderSchema,
  state: v.picklist(commandStates),
  /** Why it did not succeed; explained in docs/errors.md. */
  code: v.nullable(codeSchema),
  /** One sentence that a phone can speak. */
  sentence: v.string(),
  principal: principalTextSchema,
  created_at: timeSchema,
  ended_at: v.nullable(timeSchema),
  /** Digests of its intents, the latest last. */
  intents: v.array(digestSchema),
  steps: v.array(stepViewSchema),
  /** The relays' signed receipts, so that a caller can verify the outcome against trust itself. */
  receipts: v.array(v.pipe(v.string(), v.maxLength(maxReceiptBytes))),
});
export type CommandView = v.InferOutput<typeof commandViewSchema>;

/** POST /v1/commands/{id}/approval: the operator's signature of the bytes that wait. */
export const approvalRequestSchema = v.strictObject({
  authorisation: v.pipe(v.string(), v.maxLength(maxAuthorisationBytes)),
});
export type ApprovalRequest = v.InferOutput<typeof approvalRequestSchema>;

/** What waits for the operator's approval. */
export const approvalSchema = v.strictObject({
  command: commandViewSchema,
  /** The intent's bytes as base64url: these very bytes are signed and executed. */
  intent: bytesOfIntentSchema,
  digest: digestSchema,
  /** Until when it may be approved. */
  until: timeSchema,
});
export type Approval = v.InferOutput<typeof approvalSchema>;
export const approvalListSchema = v.strictObject({ approvals: v.array(approvalSchema) });

export const commandListSchema = v.strictObject({ commands: v.array(commandViewSchema) });

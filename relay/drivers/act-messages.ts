import * as v from 'valibot';
import { releaseResultSchema } from '../../schema/actions/release-apply.ts';
import { digestSchema } from '../../schema/jose/digest.ts';
import { ageRecipientSchema } from '../../schema/wire/age-recipient.ts';
import { excerptSchema } from '../../schema/wire/excerpt.ts';
import { countSchema, nameSchema } from '../../schema/wire/ids.ts';
import { maxSteps } from '../../schema/wire/intent.ts';
import { maxAuthorisationBytes, maxIntentBytes, maxTrustChainBytes } from '../../schema/wire/limits.ts';
import { codeSchema } from '../../schema/wire/receipt.ts';
import { trustJwsSchema } from '../../schema/wire/relay-api.ts';
import { targetReportSchema } from '../../schema/wire/report.ts';

/** Where `writ-relay-act` is asked. Who may connect is said by the socket's owner and mode alone. */
export const actSocket = '/run/writ-relay/act.sock';

/** One request a connection; these are the most bytes of its messages in each direction. */
export const maxRequestBytes = maxTrustChainBytes + 4 * maxIntentBytes;
export const maxAnswerBytes = 256 * 1024;

/** Versions of trust that the helper lacks, the oldest first. It follows them as far as they hold. */
const trustMember = { trust: v.pipe(v.array(trustJwsSchema), v.maxLength(64)) };

export const actRequestSchema = v.variant('k', [
  /** Brings a target to its part of a release. The part and its files are asked for by digest. */
  v.strictObject({
    k: v.literal('apply'),
    ...trustMember,
    /** The order's bytes as base64url, and who authorised them. */
    order: v.pipe(v.string(), v.maxLength(Math.ceil((maxIntentBytes * 4) / 3) + 4)),
    authorisation: v.pipe(v.string(), v.maxLength(maxAuthorisationBytes)),
    part: v.pipe(countSchema, v.maxValue(maxSteps - 1)),
  }),
  /** Looks at a target. */
  v.strictObject({ k: v.literal('look'), ...trustMember, target: nameSchema }),
  /** Ends what a crash left open on a target, and tells what came of an order. */
  v.strictObject({ k: v.literal('settle'), ...trustMember, target: nameSchema, order: digestSchema }),
]);
/** The fixed table of what can be asked for. */
export type ActRequest = v.InferOutput<typeof actRequestSchema>;

const detailMember = { detail: v.exactOptional(v.pipe(v.string(), v.maxLength(2000))) };

export const actOutcomeSchema = v.variant('state', [
  v.strictObject({
    state: v.literal('succeeded'),
    result: releaseResultSchema,
  }),
  v.strictObject({
    state: v.literal('failed'),
    code: codeSchema,
    ...detailMember,
    /** What programs of the target said, encrypted to the recipients of the helper's own trust. */
    excerpt: v.exactOptional(excerptSchema),
    /** Whether what ran before is in force again, as it was. */
    back: v.boolean(),
  }),
  /** It was authorised, but may or can not be done there. Nothing was changed. */
  v.strictObject({ state: v.literal('refused'), code: codeSchema, ...detailMember }),
]);
/** What came of an order on a target. A `detail` is for this host's log alone. */
export type ActOutcome = v.InferOutput<typeof actOutcomeSchema>;

/** From the helper. */
export const actAnswerSchema = v.variant('k', [
  /** First of all: which version of trust it obeys. */
  v.strictObject({ k: v.literal('hello'), v: v.literal(1), trust: countSchema }),
  /** The bytes with this digest are wanted: a frame of bytes, or `lacks`, is to come. */
  v.strictObject({ k: v.literal('need'), digest: digestSchema }),
  /** Whether the host is reached, before the change or after it: `confirmed` is to come. */
  v.strictObject({ k: v.literal('confirm'), when: v.picklist(['before', 'after']) }),
  v.strictObject({ k: v.literal('phase'), phase: v.picklist(['staged', 'activated']) }),
  /** Last of all, one of these. `refused`: what was asked for was not done, and nothing was changed. */
  v.strictObject({ k: v.literal('end'), outcome: actOutcomeSchema }),
  v.strictObject({
    k: v.literal('seen'),
    report: targetReportSchema,
    /** To whom its secrets are encrypted, once it runs a release and has made its identity. */
    recipient: v.exactOptional(ageRecipientSchema),
  }),
  v.strictObject({ k: v.literal('refused'), code: codeSchema, ...detailMember }),
]);
export type ActAnswer = v.InferOutput<typeof actAnswerSchema>;
/** What the helper sees of a target. */
export type ActSeen = Omit<Extract<ActAnswer, { k: 'seen' }>, 'k'>;

/** In place of bytes. */
export const actLacksSchema = v.strictObject({ k: v.literal('lacks'), code: codeSchema });

/** The answer to `confirm`; a code where the host is not reached as before. */
export const actConfirmedSchema = v.strictObject({
  k: v.literal('confirmed'),
  code: v.nullable(codeSchema),
  ...detailMember,
});

/** A refusal's reason as a code that a receipt may carry. */
export const codeOf = (reason: string): string => (v.is(codeSchema, reason) ? reason : 'relay_fault');

import * as v from 'valibot';
import { digestSchema } from '../jose/digest.ts';
import { parsePayload } from '../jose/jws.ts';
import { ok, type Result, refuse } from '../result.ts';
import {
  actionTypeSchema,
  homeIdSchema,
  nameSchema,
  nonceSchema,
  targetNameSchema,
  timeSchema,
} from './ids.ts';
import { maxIntentBytes, maxIntentLifetimeMs } from './limits.ts';
import { recordOf } from './record.ts';

export const maxSteps = 64;

const stepIndexSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(maxSteps - 1));

/** A step runs only with the receipts of the steps it names: ended in any way, or succeeded. */
const afterSchema = v.strictObject({ step: stepIndexSchema, if: v.picklist(['succeeded', 'ended']) });
export type After = v.InferOutput<typeof afterSchema>;

export const stepSchema = v.strictObject({
  relay: nameSchema,
  action: actionTypeSchema,
  target: targetNameSchema,
  params: recordOf(v.string(), v.unknown()),
  after: v.pipe(v.array(afterSchema), v.maxLength(maxSteps)),
});
export type Step = v.InferOutput<typeof stepSchema>;

export const intentSchema = v.strictObject({
  home: homeIdSchema,
  steps: v.pipe(v.array(stepSchema), v.minLength(1), v.maxLength(maxSteps)),
  nonce: nonceSchema,
  issued_at: timeSchema,
  expires: timeSchema,
});
/** What an authority signs: steps on relays of one home, a lifetime, and a nonce that makes it unique. */
export type Intent = v.InferOutput<typeof intentSchema>;

/** What an authority's JWS says: it authorises the bytes with this digest, for this home, as this kind. */
export const authorisationSchema = v.strictObject({
  home: homeIdSchema,
  kind: v.literal('intent'),
  digest: digestSchema,
});

export type IntentRefusal = 'intent_malformed';

/**
 * Parses an intent's bytes, to be called only after an authorisation of them verified (or on one's own
 * words). A step may only come after earlier ones, so no plan has a cycle.
 */
export function parseIntent(bytes: Uint8Array): Result<Intent, IntentRefusal> {
  const parsed = parsePayload(bytes, intentSchema, maxIntentBytes);
  if (!parsed.ok) return refuse('intent_malformed', parsed.detail ?? parsed.reason);
  const intent = parsed.value;
  if (intent.expires <= intent.issued_at || intent.expires - intent.issued_at > maxIntentLifetimeMs) {
    return refuse('intent_malformed', 'the lifetime is not between 0 and 12 hours');
  }
  for (const [index, step] of intent.steps.entries()) {
    const named = step.after.map((after) => after.step);
    if (named.some((earlier) => earlier >= index) || new Set(named).size !== named.length) {
      return refuse('intent_malformed', `step ${index} comes after a step that is not before it, or twice`);
    }
  }
  return ok(intent);
}

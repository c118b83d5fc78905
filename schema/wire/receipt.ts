import * as v from 'valibot';
import { digestSchema } from '../jose/digest.ts';
import {
  actionTypeSchema,
  countSchema,
  homeIdSchema,
  nameSchema,
  targetNameSchema,
  timeSchema,
} from './ids.ts';
import { maxSteps } from './intent.ts';
import { recordOf } from './record.ts';

/** `started` is followed by exactly one of succeeded, failed, unknown; all but `started` are final. */
export const receiptStates = ['refused', 'started', 'succeeded', 'failed', 'unknown'] as const;
export type ReceiptState = (typeof receiptStates)[number];
export const isFinal = (state: ReceiptState): boolean => state !== 'started';

/** A stable snake_case code that docs/errors.md explains. */
export const codeSchema = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{1,60}$/));

export const receiptSchema = v.strictObject({
  home: homeIdSchema,
  relay: nameSchema,
  /** Position in this relay's chain, from 1. */
  seq: v.pipe(countSchema, v.minValue(1)),
  /** digestOf('receipt') of the compact JWS before, or of the empty text for the first. */
  previous: digestSchema,
  /** The intent's digest and the index of the step in it. */
  intent: digestSchema,
  step: v.pipe(countSchema, v.maxValue(maxSteps - 1)),
  action: actionTypeSchema,
  target: targetNameSchema,
  state: v.picklist(receiptStates),
  /** Why it was refused, failed or is unknown; null otherwise. */
  code: v.nullable(codeSchema),
  /**
   * What the action's result schema says; codes and numbers only, never text from a guest. Of a failure: an excerpt of
   * what programs said, encrypted to trust's recipients (excerpt.ts); of a command of an app its exit code; or null.
   */
  result: v.nullable(recordOf(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()]))),
  time: timeSchema,
  /** The boot id of the host when this was written. */
  boot: v.pipe(v.string(), v.maxLength(64)),
});
/** A relay's signed word on what came of a step; each carries the hash of the one before. */
export type Receipt = v.InferOutput<typeof receiptSchema>;

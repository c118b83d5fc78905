import * as v from 'valibot';
import { digestSchema } from '../jose/digest.ts';
import { countSchema, timeSchema } from '../wire/ids.ts';
import { recordOf } from '../wire/record.ts';

/** One entry of the audit log, as it is chained and exported: one JSON text a line. */
export const auditEntrySchema = v.strictObject({
  seq: v.pipe(countSchema, v.minValue(1)),
  previous: digestSchema,
  time: timeSchema,
  /** What happened: `command.accepted`, `receipt`, `token.revoked`, … */
  event: v.pipe(v.string(), v.regex(/^[a-z]+(\.[a-z_]+)?$/)),
  /** Who: `token:<name>`, `operator`, `relay:<name>`, `controller`, `stranger`. */
  principal: v.pipe(v.string(), v.maxLength(80)),
  /** Codes, ids and names; no secret and no text from a guest. */
  facts: recordOf(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()])),
});
export type AuditEntry = v.InferOutput<typeof auditEntrySchema>;

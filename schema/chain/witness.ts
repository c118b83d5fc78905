import * as v from 'valibot';
import { digestSchema } from '../jose/digest.ts';
import { countSchema, homeIdSchema, nameSchema, timeSchema } from '../wire/ids.ts';

/** Far above what one has, and below the 4096 bytes that ntfy takes for a text. */
export const maxWitnessBytes = 2 * 1024;

export const witnessSchema = v.strictObject({
  home: homeIdSchema,
  relay: nameSchema,
  /** How many entries the controller's audit log had, as its heartbeat signed it, and the hash of the last. */
  seq: v.pipe(countSchema, v.minValue(1)),
  hash: digestSchema,
  /** When the relay said so, by its clock. */
  time: timeSchema,
});
/** A relay's word, where the controller cannot take it back, on how the audit log was. */
export type Witness = v.InferOutput<typeof witnessSchema>;

import * as v from 'valibot';
import { digestSchema } from '../jose/digest.ts';
import { countSchema, homeIdSchema, nameSchema, nonceSchema, timeSchema } from './ids.ts';

/** The head of the controller's audit log: how many entries, and the hash of the last. */
export const auditHeadSchema = v.strictObject({ seq: countSchema, hash: digestSchema });
export type AuditHead = v.InferOutput<typeof auditHeadSchema>;

export const heartbeatSchema = v.strictObject({
  home: homeIdSchema,
  relay: nameSchema,
  session: nonceSchema,
  /** The number of the poll that this answers. */
  poll: countSchema,
  time: timeSchema,
  trust_version: countSchema,
  audit: auditHeadSchema,
});
/** Rides in each poll's answer, signed by the controller: shows a path, not honesty. */
export type Heartbeat = v.InferOutput<typeof heartbeatSchema>;

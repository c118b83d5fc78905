import * as v from 'valibot';
import { digestSchema } from '../jose/digest.ts';
import { homeIdSchema, nonceSchema, timeSchema } from './ids.ts';

/** `Authorization: Writ-Proof <JWS>` */
export const proofScheme = 'Writ-Proof';

export const proofSchema = v.strictObject({
  home: homeIdSchema,
  method: v.picklist(['GET', 'POST', 'PUT', 'DELETE']),
  /** Path and query, as they stand in the request line. */
  url: v.pipe(v.string(), v.maxLength(2048)),
  /** digestBytes of the request's body, the empty one included. */
  body: digestSchema,
  time: timeSchema,
  nonce: nonceSchema,
});
/** Carried by every request of a relay and of the CLI: the key's holder made exactly this request, now. */
export type Proof = v.InferOutput<typeof proofSchema>;

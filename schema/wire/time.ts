import * as v from 'valibot';
import { digestSchema } from '../jose/digest.ts';
import { countSchema, homeIdSchema, timeSchema } from './ids.ts';

export const timeAttestationSchema = v.strictObject({
  home: homeIdSchema,
  /** digestBytes of the token's text. Who knows it knew the token. */
  token: digestSchema,
  /** When the notary first saw that digest, in ms. */
  seen: timeSchema,
  /** Numbers of one notary only go up. */
  seq: countSchema,
});
/** JWS of typ writ-time+jws by a relay that trust makes a notary: since when a token is known, and nothing of its worth. */
export type TimeAttestation = v.InferOutput<typeof timeAttestationSchema>;

/** How many tokens one poll's answer asks a notary for, and how many attestations it brings at once. */
export const maxAttestations = 8;

/** POST /v1/relay/times */
export const timesRequestSchema = v.strictObject({
  times: v.pipe(v.array(v.pipe(v.string(), v.maxLength(1024))), v.minLength(1), v.maxLength(maxAttestations)),
});

import * as v from 'valibot';
import { actionTypeSchema, targetNameSchema } from '../wire/ids.ts';
import { pathPatternSchema } from './path-pattern.ts';

/** `6/1h`: at most so many started steps in any window of that length. */
export const limitSchema = v.pipe(
  v.string(),
  v.regex(/^[1-9][0-9]{0,4}\/[1-9][0-9]{0,3}[mhd]$/, 'must be such as 6/1h'),
);

/** The count and window in ms of a limit. */
export function readLimit(limit: string): { count: number; windowMs: number } {
  const [count, window] = limit.split('/') as [string, string];
  const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 }[window.at(-1) as 'm' | 'h' | 'd'];
  return { count: Number(count), windowMs: Number(window.slice(0, -1)) * unitMs };
}

export const grantSchema = v.strictObject({
  action: actionTypeSchema,
  /** Hosts and guests by name; commands of apps by their full names. */
  on: v.pipe(v.array(targetNameSchema), v.minLength(1), v.maxLength(256)),
  limit: v.optional(limitSchema),
  /** What a release may touch on its targets. Without any it may touch nothing; to other actions they mean nothing. */
  paths: v.optional(v.pipe(v.array(pathPatternSchema), v.maxLength(256))),
});
export type TrustGrant = v.InferOutput<typeof grantSchema>;

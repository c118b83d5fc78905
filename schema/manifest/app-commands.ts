import * as v from 'valibot';
import { maxCommandMs } from '../wire/limits.ts';
import { durationMs } from './duration.ts';
import { durationSchema } from './values.ts';

/** How long a command may take, in ms; null for what no release may say. */
export function commandTimeoutOf(text: string): number | null {
  if (!v.is(durationSchema, text)) return null;
  const ms = durationMs(text);
  return ms <= maxCommandMs ? ms : null;
}

export const commandTimeoutSchema = v.pipe(
  durationSchema,
  v.check((text) => commandTimeoutOf(text) !== null, 'must be 2h at most'),
);

/** A program and its arguments. Words of a program cannot hold NUL, and the first is a program's name. */
export const commandWordsSchema = v.pipe(
  v.array(
    v.pipe(
      v.string(),
      v.maxLength(4096),
      v.check((word) => !word.includes('\0'), 'must not hold NUL'),
    ),
  ),
  v.minLength(1),
  v.maxLength(64),
  v.check(([program]) => program !== '', 'must begin with a program'),
);

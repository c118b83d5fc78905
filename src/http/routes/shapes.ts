import * as v from 'valibot';
import { commandIdSchema, nameSchema, tokenIdSchema } from '../../../schema/wire/ids.ts';
import { maxCallerWaitMs } from '../../../schema/wire/limits.ts';
import type { AnswerCard } from '../route.ts';

/** Shapes that several routes take. A parameter without a pattern does not exist. */
export const hostParams = v.strictObject({ host: nameSchema });
export const guestParams = v.strictObject({ guest: nameSchema });
export const appCommandParams = v.strictObject({ guest: nameSchema, app: nameSchema, command: nameSchema });
export const runbookParams = v.strictObject({ name: nameSchema });
export const commandParams = v.strictObject({ id: commandIdSchema });
export const tokenParams = v.strictObject({ id: tokenIdSchema });

const maxWaitS = maxCallerWaitMs / 1000;

/** A whole number in a query, as digits without a leading zero. */
export const numberInQuery = (min: number, max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^(?:0|[1-9][0-9]{0,15})$/, 'must be a whole number'),
    v.transform(Number),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );

/** `?wait=`: how many seconds the caller would wait for the outcome. */
export const waitQuery = v.strictObject({ wait: v.optional(numberInQuery(0, maxWaitS)) });

export const emptyBody = v.strictObject({});
export const emptyAnswer: AnswerCard = { description: 'Done.', schema: v.strictObject({}) };

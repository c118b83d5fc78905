import * as v from 'valibot';
import { commandIdSchema } from '../wire/ids.ts';
import { codeSchema } from '../wire/receipt.ts';

/** application/problem+json (RFC 9457). `code` is stable; docs/errors.md says what a person should do. */
export const problemSchema = v.strictObject({
  type: v.string(),
  title: v.string(),
  status: v.number(),
  code: codeSchema,
  /** What happened, what was not done, what to do next. */
  detail: v.string(),
  /** Of a conflict: the command that holds what was asked for. */
  held_by: v.optional(commandIdSchema),
  /** Of `needs_operator`: the command line that does it. */
  command_line: v.optional(v.pipe(v.string(), v.regex(/^writ( [a-z0-9-]+){1,3}$/))),
});
export type Problem = v.InferOutput<typeof problemSchema>;

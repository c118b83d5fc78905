import * as v from 'valibot';
import { didYouMean } from '../../../../schema/near.ts';
import type { ConfigCode } from '../../codes.ts';
import { holdShape } from '../../read/shape.ts';
import type { Tell } from '../generator.ts';

/** Reads options; null where something is wrong with them, which is told. */
export function readOptions<const S extends v.StrictObjectSchema<v.ObjectEntries, undefined>>(
  schema: S,
  given: Readonly<Record<string, unknown>>,
  tell: Tell,
): v.InferOutput<S> | null {
  const read = holdShape(schema, given);
  if (read.ok) return read.value;
  for (const { code, path, message, suggestion } of read.faults) {
    tell({
      severity: 'error',
      code: 'wrong_option',
      message: code === 'unknown_member' ? `there is no option ${path.join('.')}` : `options.${message}`,
      ...(suggestion !== undefined && { suggestion }),
    });
  }
  return null;
}

/** Tells of a name in an option that names nothing. */
export function tellUnknown(
  message: string,
  name: string,
  known: Iterable<string>,
  tell: Tell,
  code: ConfigCode = 'wrong_option',
): void {
  const suggestion = didYouMean(name, known).trim();
  tell({
    severity: 'error',
    code,
    message: `options.${message}`,
    ...(suggestion !== '' && { suggestion }),
  });
}

/** A line that goes into another program's file as it is: one line, whatever it says. */
export const lineSchema = v.pipe(
  v.string(),
  v.maxLength(2000),
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
  v.regex(/^[^\u0000-\u001f\u007f]*$/, 'must be one line without control characters'),
);

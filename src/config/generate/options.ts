import * as v from 'valibot';
import { holdShape } from '../read/shape.ts';
import type { Doubt, Generated, GeneratorInput } from './generator.ts';

/** Options of a generator as it takes them, or what is wrong with those that were given. */
export function readOptions<const S extends v.GenericSchema>(
  schema: S,
  options: GeneratorInput['options'],
): { ok: true; value: v.InferOutput<S> } | { ok: false; made: Generated; doubts: Doubt[] } {
  const read = holdShape(schema, options);
  if (read.ok) return read;
  return {
    ok: false,
    // Nobody gets to see it: an error keeps the release from being made.
    made: { kind: 'file', text: '' },
    doubts: read.faults.map(({ path: _, message, ...fault }) => ({
      severity: 'error',
      ...fault,
      message: `options.${message}`,
    })),
  };
}

/** A line that goes into another program's file as it is: one line, whatever it says. */
export const lineSchema = v.pipe(
  v.string(),
  v.maxLength(2000),
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
  v.regex(/^[^\u0000-\u001f\u007f]*$/, 'must be one line without control characters'),
);

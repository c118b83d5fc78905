import * as v from 'valibot';
import { describeIssue } from '../../../schema/jose/jws.ts';
import { didYouMean } from '../../../schema/near.ts';
import type { Doubt } from './generator.ts';

/** Reads options; null where something is wrong with them, which is told. */
export function readOptions<const S extends v.StrictObjectSchema<v.ObjectEntries, undefined>>(
  schema: S,
  given: Readonly<Record<string, unknown>>,
  tell: (doubt: Doubt) => void,
): v.InferOutput<S> | null {
  const parsed = v.safeParse(schema, given);
  if (parsed.success) return parsed.output;
  for (const issue of parsed.issues) {
    const path = (issue.path ?? []).map(({ key }) => String(key));
    const near = didYouMean(path.at(-1) ?? '', Object.keys(schema.entries)).trim();
    const unknown = issue.expected === 'never' && path.length === 1;
    tell({
      severity: 'error',
      code: 'wrong_option',
      message: unknown ? `there is no option ${path[0]}` : `options: ${describeIssue(issue)}`,
      ...(unknown && near !== '' && { suggestion: near }),
    });
  }
  return null;
}

import { statSync } from 'node:fs';
import { join } from 'node:path';
import type * as v from 'valibot';
import { safeParse } from 'valibot';
import { describeIssue } from '../../schema/jose/jws.ts';
import { parseStrictJson } from '../../schema/jose/strict-json.ts';
import { ok } from '../../schema/result.ts';
import { readTextFile, replaceFile } from './files.ts';
import { exits, type Failure, fail } from './outcome.ts';

/** Writes a file of the configuration directory, for its owner's eyes alone. */
export const writeConfigFile = (directory: string, name: string, value: unknown): void =>
  replaceFile(join(directory, name), `${JSON.stringify(value, null, 2)}\n`);

export const brokenConfig = (path: string, why: string): Failure =>
  fail(exits.usage, 'config_broken', `${path} is not as it was written: ${why}. Restore it from a copy.`);

/** Reads a file of the configuration directory; null when there is none. Refuses one that others may read. */
export function readConfigFile<S extends v.GenericSchema>(
  directory: string,
  name: string,
  schema: S,
  maxBytes: number,
): { ok: true; value: v.InferOutput<S> | null } | Failure {
  const path = join(directory, name);
  let text: string | null;
  try {
    text = readTextFile(path, maxBytes);
    if (text !== null && (statSync(path).mode & 0o077) !== 0) {
      return fail(exits.usage, 'config_open', `Others may read ${path}. Run: chmod 600 ${path}`);
    }
  } catch (error) {
    return fail(exits.usage, 'config_unreadable', `${path} cannot be read: ${(error as Error).message}.`);
  }
  if (text === null) return ok(null);
  const parsed = parseStrictJson(text, { maxBytes });
  if (!parsed.ok) return brokenConfig(path, parsed.detail ?? parsed.reason);
  const shaped = safeParse(schema, parsed.value);
  return shaped.success ? ok(shaped.output) : brokenConfig(path, describeIssue(shaped.issues[0]));
}

import * as v from 'valibot';
import { bytes32Pattern } from '../../../schema/jose/base64url.ts';
import { ok } from '../../../schema/result.ts';
import { ageRecipientSchema } from '../../../schema/wire/age-recipient.ts';
import { countSchema, nameSchema } from '../../../schema/wire/ids.ts';
import { recordOf } from '../../../schema/wire/record.ts';
import { readConfigFile, writeConfigFile } from '../config-file.ts';
import type { Failure } from '../outcome.ts';

const knownFile = 'secrets.json';

const knownSchema = v.strictObject({
  v: v.literal(1),
  /** The owner's recipients as they were named on this computer. */
  owner: v.pipe(v.array(ageRecipientSchema), v.maxLength(16)),
  /** By machine, the newest report that its recipient was taken from. */
  seen: recordOf(
    nameSchema,
    v.strictObject({ kid: v.pipe(v.string(), v.regex(bytes32Pattern)), report: countSchema }),
  ),
});
/**
 * What this computer knows of recipients by itself. A repo is also written by others, or by whoever takes it: without
 * this, a recipient that somebody pushed would be read along with the owner's.
 */
export type Known = v.InferOutput<typeof knownSchema>;

export function readKnown(configDir: string): { ok: true; value: Known } | Failure {
  const file = readConfigFile(configDir, knownFile, knownSchema, 256 * 1024);
  return file.ok ? ok(file.value ?? { v: 1, owner: [], seen: {} }) : file;
}

export const writeKnown = (configDir: string, known: Known): void =>
  writeConfigFile(configDir, knownFile, known);

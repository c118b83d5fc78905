import * as v from 'valibot';
import { digestSchema } from '../../../schema/jose/digest.ts';
import { parseStrictJson } from '../../../schema/jose/strict-json.ts';
import { absolutePathSchema } from '../../../schema/manifest/values.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import { countSchema, nameSchema, timeSchema } from '../../../schema/wire/ids.ts';
import { authorityKeySchema } from '../../../schema/wire/report.ts';
import type { NewFile } from '../../machine/machine.ts';
import { targetFolder } from '../target-state.ts';

/** What Writ made for a target of the private CA, on the target itself. Written before what it tells of. */
export const leafRecordFile = `${targetFolder}/certificates.json`;
export const maxLeafRecordBytes = 1024 * 1024;

/** Beyond it are no dates (ECMA-262, 21.4.1.1). */
const dateSchema = v.pipe(timeSchema, v.maxValue(8_640_000_000_000_000));
const serviceSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9:_.\\@-]{1,255}$/));

const leafSchema = v.strictObject({
  app: nameSchema,
  name: nameSchema,
  kind: v.picklist(['server', 'client']),
  names: v.array(v.string()),
  /** Of root and intermediate as text, by which it was made. */
  authority: digestSchema,
  not_before: dateSchema,
  not_after: dateSchema,
  /** Its public key, which stays when it is renewed. */
  key: authorityKeySchema,
  files: v.array(
    v.strictObject({
      path: absolutePathSchema,
      digest: digestSchema,
      mode: v.string(),
      owner: v.string(),
    }),
  ),
});
export type LeafMade = v.InferOutput<typeof leafSchema>;

const recordSchema = v.strictObject({
  v: v.literal(1),
  leaves: v.array(leafSchema),
  /** Services that have not been told of theirs yet, and how often that failed. */
  owed: v.array(
    v.strictObject({ service: serviceSchema, how: v.picklist(['restart', 'reload']), failed: countSchema }),
  ),
});
export type LeafRecord = v.InferOutput<typeof recordSchema>;

const noLeaves: LeafRecord = { v: 1, leaves: [], owed: [] };

/** The record of a target; of one that has none, or another's, an empty one: then nothing that stands there is Writ's. */
export function parseLeafRecord(bytes: Uint8Array | null): LeafRecord {
  const json = bytes === null ? null : parseStrictJson(bytes, { maxBytes: maxLeafRecordBytes });
  const parsed = json?.ok ? v.safeParse(recordSchema, json.value) : null;
  return parsed?.success === true ? parsed.output : noLeaves;
}

export const leafRecordFileOf = (record: LeafRecord): NewFile => ({
  path: leafRecordFile,
  bytes: new TextEncoder().encode(canonicalJson(record)),
  mode: '0600',
  owner: 'root:root',
});

import * as v from 'valibot';
import { digestSchema, toBytes } from '../../../schema/jose/digest.ts';
import { parseStrictJson } from '../../../schema/jose/strict-json.ts';
import { ok, type Result } from '../../../schema/result.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import type { ReleaseApp } from '../../../schema/wire/release.ts';
import { isMachinePath, type Machine, type MachineReason } from '../../machine/machine.ts';

export type Artifact = ReleaseApp['artifacts'][number];

/** Where it is kept what archives hold, so that their parts can be told from what is there without fetching them anew. */
export const archiveFolder = '/var/lib/writ-target/archives';
export const maxArchiveFiles = 5000;
export const maxListBytes = 2 * 1024 * 1024;

const fileSchema = v.strictObject({
  /** Below the folder where the archive is unpacked. */
  path: v.pipe(
    v.string(),
    v.check((path) => isMachinePath(`/${path}`)),
  ),
  digest: digestSchema,
  mode: v.picklist(['0644', '0755']),
});
/** One file of an archive. Its bytes are among the blobs. */
export type ArchiveFile = v.InferOutput<typeof fileSchema>;

const listSchema = v.strictObject({
  v: v.literal(1),
  files: v.pipe(v.array(fileSchema), v.minLength(1), v.maxLength(maxArchiveFiles)),
});

/** The name of an archive's list: with other folders left away, it holds other files. */
export const archiveListName = ({ sha256, strip }: Artifact): string => `${sha256}-${strip}.json`;
export const archiveListPath = (archive: Artifact): string => `${archiveFolder}/${archiveListName(archive)}`;

/** What an archive holds, as it was written down here; null where it was not, or cannot be read: it is fetched anew then. */
export async function readArchiveList(
  machine: Machine,
  archive: Artifact,
): Promise<Result<readonly ArchiveFile[] | null, MachineReason>> {
  const bytes = await machine.read(archiveListPath(archive), maxListBytes);
  if (!bytes.ok) return /^(not_found|too_large)$/.test(bytes.reason) ? ok(null) : bytes;
  const json = parseStrictJson(bytes.value, { maxBytes: maxListBytes });
  const parsed = json.ok ? v.safeParse(listSchema, json.value) : null;
  return ok(parsed?.success === true ? parsed.output.files : null);
}

/** The bytes of a list; null where it could not be read again. */
export function archiveListBytes(files: readonly ArchiveFile[]): Uint8Array<ArrayBuffer> | null {
  const list = { v: 1, files };
  const bytes = toBytes(canonicalJson(list));
  return bytes.length <= maxListBytes && v.is(listSchema, list) ? bytes : null;
}

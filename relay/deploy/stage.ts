import { digestBytes } from '../../schema/jose/digest.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine } from '../machine/machine.ts';
import type { Switch } from './plan-switch.ts';
import { blobPath, makeTargetFolders } from './target-state.ts';

/** A part of a release, and the digest of its bytes. */
export type Wanted = {
  readonly part: ReleasePart;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: string;
};

/** Where bytes come from, by their digest. What it brings is compared. */
export type BlobSource = (digest: string) => Promise<Result<Uint8Array<ArrayBuffer>, string>>;

/**
 * Brings all bytes to the target, those of the way back among them.
 *
 * @param more digests of what else is needed there
 */
export async function stage(
  { machine, blob }: { readonly machine: Machine; readonly blob: BlobSource },
  wanted: Wanted,
  moves: Switch,
  more: readonly string[] = [],
): Promise<Result<true, string>> {
  const folders = await makeTargetFolders(machine);
  if (!folders.ok) return folders;
  const how = { mode: '0600', owner: 'root:root' };
  const needed = new Set(moves.ops.flatMap((op) => (op.do === 'put' ? [op.digest] : [])));
  const kept = moves.keep.map(({ digest }) => digest);
  const wantedDigests = [...new Set([...needed, ...more, ...kept, wanted.digest])];
  const there = await machine.digest(wantedDigests.map(blobPath));
  if (!there.ok) return there;
  const lacking = new Set(wantedDigests.filter((digest, index) => there.value[index] !== digest));
  for (const { path, digest } of moves.keep) {
    if (!lacking.delete(digest)) continue;
    const bytes = await machine.read(path, maxKeptBytes);
    if (!bytes.ok) return bytes;
    if ((await digestBytes(bytes.value)) !== digest)
      return refuse('file_changes', `${path} changes meanwhile`);
    const written = await machine.write(blobPath(digest), bytes.value, how);
    if (!written.ok) return written;
  }
  for (const digest of lacking) {
    const bytes = digest === wanted.digest ? ok(wanted.bytes) : await blob(digest);
    if (!bytes.ok) return bytes;
    if ((await digestBytes(bytes.value)) !== digest)
      return refuse('blob_wrong', `what was brought is not ${digest}`);
    const written = await machine.write(blobPath(digest), bytes.value, how);
    if (!written.ok) return written;
  }
  return ok(true);
}

const maxKeptBytes = 64 * 1024 * 1024;

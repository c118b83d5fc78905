import { digestBytes } from '../../schema/jose/digest.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine, MachineReason, NewFile } from '../machine/machine.ts';
import type { Switch } from './plan-switch.ts';
import { blobPath, makeTargetFolders } from './target-state.ts';

/** A part of a release, and the digest of its bytes. */
export type Wanted = {
  readonly part: ReleasePart;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: string;
};

/** Where bytes come from, by their digest; `aborted`, or why they cannot be had. What it brings is compared. */
export type BlobSource = (digest: string) => Promise<Result<Uint8Array<ArrayBuffer>, string>>;

export type StageReason = MachineReason | 'file_changes' | 'blob_missing' | 'blob_wrong';

/** So much is held in memory before it is written. */
const batchBytes = 4 * 1024 * 1024;

/**
 * Brings all bytes to the target, those of the way back among them, and looks that they arrived.
 *
 * @param more digests of what else is needed there
 */
export async function stage(
  { machine, blob }: { readonly machine: Machine; readonly blob: BlobSource },
  wanted: Wanted,
  moves: Switch,
  more: readonly string[] = [],
): Promise<Result<true, StageReason>> {
  const folders = await makeTargetFolders(machine);
  if (!folders.ok) return folders;
  const needed = new Set(moves.ops.flatMap((op) => (op.do === 'put' ? [op.digest] : [])));
  const before = moves.keep.map(({ digest }) => digest);
  const digests = [...new Set([...needed, ...more, ...before, wanted.digest])];
  const lacking = await lackingBlobs(machine, digests);
  if (!lacking.ok) return lacking;
  const kept = new Map(moves.keep.map(({ path, digest }) => [digest, path]));
  const there = lacking.value.filter((digest) => kept.has(digest));
  const copied = await keepOld(machine, new Map(there.map((digest) => [digest, kept.get(digest)!])));
  if (!copied.ok) return copied;
  const coming = lacking.value.filter((digest) => !kept.has(digest));
  let batch: NewFile[] = [];
  let size = 0;
  for (const [index, digest] of coming.entries()) {
    const bytes = digest === wanted.digest ? ok(wanted.bytes) : await bring(blob, digest);
    if (!bytes.ok) return bytes;
    batch.push({ path: blobPath(digest), bytes: bytes.value, mode: '0600', owner: 'root:root' });
    size += bytes.value.length;
    if (size < batchBytes && index < coming.length - 1) continue;
    const written = await machine.writeAll(batch);
    if (!written.ok) return written;
    batch = [];
    size = 0;
  }
  if (coming.length === 0) return ok(true);
  const left = await lackingBlobs(machine, coming);
  if (!left.ok) return left;
  return left.value.length === 0
    ? ok(true)
    : refuse('machine_error', `${left.value[0]} did not arrive whole`);
}

/** What is there now may be large: it never leaves the machine. */
async function keepOld(
  machine: Machine,
  paths: ReadonlyMap<string, string>,
): Promise<Result<true, StageReason>> {
  if (paths.size === 0) return ok(true);
  const copied = await machine.change(
    [...paths].map(([digest, path]) => ({
      ...{ do: 'copy', from: path, path: blobPath(digest) },
      ...{ mode: '0600', owner: 'root:root' },
    })),
  );
  if (!copied.ok) return copied;
  const left = await lackingBlobs(machine, [...paths.keys()]);
  if (!left.ok) return left;
  const [changed] = left.value;
  return changed === undefined ? ok(true) : refuse('file_changes', `${paths.get(changed)} changes meanwhile`);
}

async function lackingBlobs(
  machine: Machine,
  digests: readonly string[],
): Promise<Result<string[], MachineReason>> {
  const there = await machine.digest(digests.map(blobPath));
  return there.ok ? ok(digests.filter((digest, index) => there.value[index] !== digest)) : there;
}

async function bring(
  blob: BlobSource,
  digest: string,
): Promise<Result<Uint8Array<ArrayBuffer>, 'blob_missing' | 'blob_wrong' | 'aborted'>> {
  const bytes = await blob(digest);
  if (!bytes.ok) {
    if (bytes.reason === 'aborted') return refuse('aborted', bytes.detail);
    return refuse('blob_missing', `${digest}: ${bytes.detail ?? bytes.reason}`);
  }
  return (await digestBytes(bytes.value)) === digest
    ? bytes
    : refuse('blob_wrong', `what was brought is not ${digest}`);
}

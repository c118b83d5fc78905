import { digestBytes } from '../../schema/jose/digest.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine, MachineReason, NewFile } from '../machine/machine.ts';
import { packed } from '../machine/packed.ts';
import type { Kept, Switch } from './plan-switch.ts';
import { blobPath, lackingBlobs, makeTargetFolders } from './target-state.ts';

/** A part of a release, and the digest of its bytes. */
export type Wanted = {
  readonly part: ReleasePart;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: string;
};

/** Where bytes come from, by their digest; `aborted`, or why they cannot be had. What it brings is compared. */
export type BlobSource = (digest: string) => Promise<Result<Uint8Array<ArrayBuffer>, string>>;

export type StageReason = MachineReason | 'file_changes' | 'blob_missing' | 'blob_wrong';

/** So much is held in memory before it is written, or copied in one call. */
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
  const kept = new Map(moves.keep.map((file) => [file.digest, file]));
  const copied = await keepOnTarget(
    machine,
    lacking.value.flatMap((digest) => kept.get(digest) ?? []),
  );
  if (!copied.ok) return copied;
  const missing = lacking.value.filter((digest) => !kept.has(digest));
  let batch: NewFile[] = [];
  let size = 0;
  for (const [index, digest] of missing.entries()) {
    const bytes = digest === wanted.digest ? ok(wanted.bytes) : await bring(blob, digest);
    if (!bytes.ok) return bytes;
    batch.push({ path: blobPath(digest), bytes: bytes.value, mode: '0600', owner: 'root:root' });
    size += bytes.value.length;
    if (size < batchBytes && index < missing.length - 1) continue;
    const written = await machine.writeAll(batch);
    if (!written.ok) return written;
    batch = [];
    size = 0;
  }
  if (lacking.value.length === 0) return ok(true);
  const left = await lackingBlobs(machine, lacking.value);
  if (!left.ok) return left;
  const [first] = left.value;
  if (first === undefined) return ok(true);
  const changed = kept.get(first);
  return changed === undefined
    ? refuse('machine_error', `${first} did not arrive whole`)
    : refuse('file_changes', `${changed.path} changes meanwhile`);
}

/** What is there already goes no way there and back: a guest's agent takes some kilobytes in a call. */
async function keepOnTarget(machine: Machine, files: readonly Kept[]): Promise<Result<true, MachineReason>> {
  for (const some of packed(files, ({ size }) => size, batchBytes)) {
    const how = { do: 'copy', mode: '0600', owner: 'root:root' } as const;
    const copied = await machine.change(
      some.map(({ path, digest }) => ({ ...how, from: path, path: blobPath(digest) })),
    );
    if (!copied.ok) return copied;
  }
  return ok(true);
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

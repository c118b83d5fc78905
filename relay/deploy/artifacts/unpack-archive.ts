import { ok, type Result, refuse } from '../../../schema/result.ts';
import type { Change, Machine, RunOptions } from '../../machine/machine.ts';
import { packed } from '../../machine/packed.ts';
import { blobPath, lackingBlobs } from '../target-state.ts';
import {
  type ArchiveFile,
  type Artifact,
  archiveFolder,
  archiveListBytes,
  archiveListPath,
} from './archive-list.ts';
import {
  type ArtifactReason,
  fetchArtifact,
  fetchFolder,
  maxFetchedBytes,
  programMissing,
  said,
} from './fetch-artifact.ts';
import {
  findFormat,
  judgeListing,
  judgeUnpacked,
  type Unpacked,
  unpackFolder as unpacked,
} from './judge-archive.ts';

/** A number that Debian gives nobody (Debian Policy 9.2.2), and systemd no service: what unpacks owns nothing else. */
const nobody = '65530';
const archive = `${fetchFolder}/archive`;

const unpackMs = 10 * 60_000;
const shortMs = 60_000;
/** Names of a whole archive: what the narrowest way to a machine takes at once. */
const maxNamesBytes = 900 * 1024;
/** So much is copied by one call. */
const batchBytes = 32 * 1024 * 1024;

/** Decoders that take no more memory than what they decode is worth. */
const env = { XZ_DEFAULTS: '--threads=1 --memlimit-decompress=256MiB' };

/** As nobody, and no file larger than one may be: what the archive holds is not yet known. */
const asNobody = [
  ...(['prlimit', '--core=0', `--fsize=${maxFetchedBytes}`, '--'] as const),
  ...['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--no-new-privs', '--'],
] as const;

/**
 * Fetches an archive into a fetch folder that was just opened, and unpacks it there. Its files become blobs, and what it holds is written
 * down when all of them are there.
 */
export async function unpackArchive(
  machine: Machine,
  artifact: Artifact,
  signal: AbortSignal,
): Promise<Result<true, ArtifactReason>> {
  const fetched = await fetchArtifact(machine, artifact, { path: archive, mode: '0644', signal });
  if (!fetched.ok) return fetched;
  const files = await unpack(machine, artifact, signal);
  if (!files.ok) {
    return files.reason === 'artifact_unfit'
      ? refuse(files.reason, `${artifact.url}: ${files.detail}`)
      : files;
  }
  const kept = await keepFiles(machine, files.value);
  if (!kept.ok) return kept;
  const bytes = archiveListBytes(kept.value);
  if (bytes === null) return refuse('artifact_unfit', `${artifact.url}: its names are too long`);
  const ready = await machine.change([
    { do: 'folder', path: archiveFolder, mode: '0700', owner: 'root:root' },
  ]);
  if (!ready.ok) return ready;
  return machine.write(archiveListPath(artifact), bytes, { mode: '0600', owner: 'root:root' });
}

async function unpack(
  machine: Machine,
  { strip }: Artifact,
  signal: AbortSignal,
): Promise<Result<Unpacked[], ArtifactReason>> {
  const options = { timeoutMs: unpackMs, maxBytes: maxNamesBytes, env, signal };
  const source = ['--file', archive];
  const listed = await runTar(
    machine,
    ['--list', '--verbose', '--numeric-owner', '--quoting-style=escape', ...source],
    options,
  );
  if (!listed.ok) return listed;
  const judged = judgeListing(new TextDecoder().decode(listed.value));
  if (!judged.ok) return judged;
  const made = await machine.change([
    { do: 'folder', path: unpacked, mode: '0700', owner: `${nobody}:${nobody}` },
  ]);
  if (!made.ok) return made;
  const done = await runTar(
    machine,
    [
      ...['--extract', ...source, '--directory', unpacked, `--strip-components=${strip}`],
      ...['--no-same-owner', '--no-same-permissions', '--touch', '--delay-directory-restore'],
    ],
    options,
  );
  if (!done.ok) return done;
  const found = await machine.run(['find', unpacked, '-mindepth', '1', '-printf', findFormat], {
    ...options,
    timeoutMs: shortMs,
  });
  if (!found.ok)
    return found.reason === 'too_large' ? refuse('artifact_unfit', 'its names are too long') : found;
  if (found.value.code !== 0) return refuse('machine_error', `find: ${said(found.value.stderr)}`);
  return judgeUnpacked(found.value.stdout);
}

/** What tar prints, where it takes the archive for one that is whole. */
async function runTar(
  machine: Machine,
  words: readonly string[],
  options: RunOptions,
): Promise<Result<Uint8Array, ArtifactReason>> {
  const ran = await machine.run([...asNobody, 'tar', ...words], options);
  if (!ran.ok) {
    if (ran.reason === 'too_large') return refuse('artifact_unfit', 'it holds too many names');
    return ran.reason === 'timeout' ? refuse('artifact_unfit', 'it takes too long to unpack') : ran;
  }
  const { code, stdout, stderr } = ran.value;
  if (code === 0) return ok(stdout);
  const why = said(stderr);
  const missing = programMissing(code, why);
  if (missing !== null) return missing;
  // Of the program that belongs to its kind of compression: xz-utils, zstd.
  if (/Cannot exec/.test(why)) return refuse('program_missing', why);
  if (/No space left on device/.test(why)) return refuse('no_space', why);
  return refuse('artifact_unfit', why);
}

/** Makes blobs of what was unpacked, and says what each is. */
async function keepFiles(
  machine: Machine,
  files: readonly Unpacked[],
): Promise<Result<ArchiveFile[], ArtifactReason>> {
  const digests = await machine.digest(files.map(({ path }) => `${unpacked}/${path}`));
  if (!digests.ok) return digests;
  const list: ArchiveFile[] = [];
  const blobs = new Map<string, { readonly from: string; readonly size: number }>();
  for (const [index, { path, mode, size }] of files.entries()) {
    const digest = digests.value[index];
    if (digest == null) return refuse('file_changes', path);
    list.push({ path, digest, mode });
    blobs.set(digest, { from: `${unpacked}/${path}`, size });
  }
  const lacking = await lackingBlobs(machine, [...blobs.keys()]);
  if (!lacking.ok) return lacking;
  for (const some of packed(lacking.value, (digest) => blobs.get(digest)!.size, batchBytes)) {
    const copied = await machine.change(
      some.map(
        (digest): Change => ({
          ...{ do: 'copy', from: blobs.get(digest)!.from, path: blobPath(digest) },
          ...{ mode: '0600', owner: 'root:root' },
        }),
      ),
    );
    if (!copied.ok) return copied;
  }
  const left = await lackingBlobs(machine, lacking.value);
  if (!left.ok) return left;
  return left.value.length === 0 ? ok(list) : refuse('file_changes', `${unpacked} changes meanwhile`);
}

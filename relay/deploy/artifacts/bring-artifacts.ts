import { ok, type Result } from '../../../schema/result.ts';
import type { ReleasePart } from '../../../schema/wire/release.ts';
import type { Machine } from '../../machine/machine.ts';
import { blobPath, lackingBlobs, makeTargetFolders } from '../target-state.ts';
import { type Artifact, archiveListPath, readArchiveList } from './archive-list.ts';
import { type ArtifactReason, closeFetchFolder, fetchArtifact, openFetchFolder } from './fetch-artifact.ts';
import { unpackArchive } from './unpack-archive.ts';

/** Lets a machine fetch archives and look what they hold: without that nobody can say what they would change. */
export const bringArchives = (
  machine: Machine,
  archives: readonly Artifact[],
  signal: AbortSignal,
): Promise<Result<true, ArtifactReason>> => bring(machine, archives, signal);

/**
 * Lets a machine fetch those artifacts of a part that it needs, and whose bytes it does not keep.
 *
 * @param needed digests of files
 */
export async function bringArtifacts(
  machine: Machine,
  { apps }: Pick<ReleasePart, 'apps'>,
  needed: readonly string[],
  signal: AbortSignal,
): Promise<Result<true, ArtifactReason>> {
  const wanted = new Set(needed);
  const held: { readonly artifact: Artifact; readonly digests: readonly string[] }[] = [];
  for (const artifact of apps.flatMap(({ artifacts }) => artifacts)) {
    const digests = await digestsOf(machine, artifact);
    if (!digests.ok) return digests;
    held.push({ artifact, digests: digests.value.filter((digest) => wanted.has(digest)) });
  }
  const lacking = await lackingBlobs(machine, [...new Set(held.flatMap(({ digests }) => digests))]);
  if (!lacking.ok) return lacking;
  const absent = new Set(lacking.value);
  const some = held.filter(({ digests }) => digests.some((digest) => absent.has(digest)));
  return bring(
    machine,
    some.map(({ artifact }) => artifact),
    signal,
  );
}

async function digestsOf(
  machine: Machine,
  artifact: Artifact,
): Promise<Result<readonly string[], ArtifactReason>> {
  if (!artifact.unpack) return ok([`sha256:${artifact.sha256}`]);
  const list = await readArchiveList(machine, artifact);
  return list.ok ? ok((list.value ?? []).map(({ digest }) => digest)) : list;
}

async function bring(
  machine: Machine,
  artifacts: readonly Artifact[],
  signal: AbortSignal,
): Promise<Result<true, ArtifactReason>> {
  // Of what goes to two places, once.
  const each = new Map(
    artifacts.map((one) => [one.unpack ? archiveListPath(one) : blobPath(`sha256:${one.sha256}`), one]),
  );
  if (each.size === 0) return ok(true);
  const folders = await makeTargetFolders(machine);
  if (!folders.ok) return folders;
  for (const [path, artifact] of each) {
    const opened = await openFetchFolder(machine);
    if (!opened.ok) return opened;
    const brought = artifact.unpack
      ? await unpackArchive(machine, artifact, signal)
      : await fetchArtifact(machine, artifact, { path, mode: '0600', signal });
    // What cannot be removed now is removed the next time.
    await closeFetchFolder(machine);
    if (!brought.ok) return brought;
  }
  return ok(true);
}

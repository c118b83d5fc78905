import { readFileSync, statSync } from 'node:fs';
import { maxReleaseBytes, type Release } from '../../../schema/wire/release.ts';
import { readReleaseFile } from '../../config/build/release-file.ts';
import { buildRepos, readRepoFrom } from '../build-folder.ts';
import { findingsText } from '../findings.ts';
import { commitOf } from '../git.ts';
import { exits, type Failure, fail } from '../outcome.ts';

/**
 * Reads a release file, and verifies all of it.
 *
 * @param undone the sentence that says what was not done where it is none
 */
export async function readRelease(
  path: string,
  undone: string,
): Promise<{ ok: true; value: Release } | Failure> {
  const refused = (detail: string): Failure =>
    fail(exits.usage, 'release_invalid', `${path} is no release: ${detail}. ${undone}`);
  // A header of 512 bytes and at most as much padding for each of its files.
  if (statSync(path).size > 2 * maxReleaseBytes)
    return refused(`it has more than ${2 * maxReleaseBytes} bytes`);
  const read = await readReleaseFile(new Uint8Array(readFileSync(path)));
  return read.ok ? read : refused(read.detail ?? read.reason);
}

/** A release that somebody wants to have deployed. */
export type Wanted = {
  readonly release: Release;
  /** The commit that it was built from; null where it holds what no commit does, or that is not known. */
  readonly commit: string | null;
  /** What to know of it, one sentence each. */
  readonly notes: readonly string[];
};

/** Builds the release of a repo, or reads one that was built. */
export async function readWanted(from: {
  readonly repo?: string | undefined;
  readonly release?: string | undefined;
}): Promise<{ ok: true; value: Wanted } | Failure> {
  if (from.release !== undefined) {
    const read = await readRelease(from.release, 'Nothing was deployed.');
    if (!read.ok) return read;
    const notes = ['A release file does not tell its commit: the targets will not either.'];
    return { ok: true, value: { release: read.value, commit: null, notes } };
  }
  const folder = from.repo ?? '.';
  const read = readRepoFrom(folder);
  if (!read.ok) return read;
  const [built] = await buildRepos([read.value]);
  const { findings, release } = built!;
  if (release === undefined) {
    const lines = [...findingsText(findings), 'The repo does not build. Nothing was deployed.'];
    return fail(exits.failed, 'repo_broken', lines.join('\n'));
  }
  const commit = await commitOf(folder, read.value);
  const notes = commit === null ? ['It holds what is not committed: no commit names it.'] : [];
  return { ok: true, value: { release, commit, notes: [...findingsText(findings), ...notes] } };
}

import type { Built } from '../config/build/build.ts';
import type { Repo } from '../config/repo.ts';
import { buildRepos } from './build-folder.ts';
import { readRepoAt } from './git.ts';
import type { Failure } from './outcome.ts';

/** A repo as it is, and as one of its commits has it; null: the commit is from before there was a homelab.yaml. */
export type Both = { readonly head: Built; readonly base: Built | null };

/** Builds what a folder holds, and what a revision of it held. */
export async function buildBoth(
  directory: string,
  repo: Repo,
  revision: string,
): Promise<{ ok: true; value: Both } | Failure> {
  const old = await readRepoAt(directory, revision);
  if (!old.ok) return old;
  const known = old.value.files.has('homelab.yaml');
  const built = await buildRepos(known ? [repo, old.value] : [repo]);
  return { ok: true, value: { head: built[0]!, base: built[1] ?? null } };
}

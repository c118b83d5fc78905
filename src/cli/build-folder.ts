import { type Built, buildRepo } from '../config/build/build.ts';
import type { Repo } from '../config/repo.ts';
import type { Options } from './command.ts';
import { exits, type Failure, fail } from './outcome.ts';
import { readRepo } from './repo-files.ts';
import { createTemplateRenderer } from './template-renderer.ts';

/** The option of every command that reads a repo. */
export const repoOption = {
  repo: { type: 'text', value: 'DIR', about: "the homelab's repo (default: the current folder)" },
} as const satisfies Options;

/** Reads a repo's folder, or says why not. */
export function readRepoFrom(directory: string): { ok: true; value: Repo } | Failure {
  try {
    return { ok: true, value: readRepo(directory) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const why = code === 'ENOENT' ? 'There is no folder' : `The system refuses (${code}) to read the folder`;
    return fail(exits.usage, 'repo_unreadable', `${why} ${directory}. Name the repo with --repo DIR.`);
  }
}

/** Compiles repos, one after the other, with one thread for their templates. */
export async function buildRepos(repos: readonly Repo[]): Promise<Built[]> {
  const renderer = createTemplateRenderer();
  try {
    const built: Built[] = [];
    for (const repo of repos) built.push(await buildRepo(repo, renderer.render));
    return built;
  } finally {
    await renderer.close();
  }
}

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Runs git in a folder, as somebody whom no configuration of this machine knows. */
export const git = (folder: string, ...words: string[]): string =>
  execFileSync('git', ['-C', folder, ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'o',
      GIT_AUTHOR_EMAIL: 'o@example.net',
      GIT_COMMITTER_NAME: 'o',
      GIT_COMMITTER_EMAIL: 'o@example.net',
    },
  }).trim();

/** Commits all of a folder with these files as they then are, and gives the commit. */
export function commit(folder: string, files: Readonly<Record<string, string>>, message = 'change'): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  git(folder, 'add', '--all');
  git(folder, 'commit', '--quiet', '--allow-empty', '--message', message);
  return git(folder, 'rev-parse', 'HEAD');
}

/** Makes a folder a repository with one commit, on main. */
export function initGit(folder: string): string {
  git(folder, 'init', '--quiet', '--initial-branch=main');
  return commit(folder, {}, 'first');
}

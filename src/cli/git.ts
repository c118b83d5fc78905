import { spawn } from 'node:child_process';
import type { Finding } from '../config/finding.ts';
import { maxRepoBytes, maxRepoFileBytes, maxRepoFiles, type Repo } from '../config/repo.ts';
import { exits, type Failure, fail } from './outcome.ts';
import { knownInRepo } from './repo-files.ts';

const maxListBytes = 16 * 1024 * 1024;
const gitTimeMs = 30_000;

type GitAnswer =
  | { readonly ok: true; readonly out: Buffer }
  | { readonly ok: false; readonly detail: string };

/**
 * A program of the repository's own would run while git reads its index; and files that look like a repository themselves, in
 * the folder of a pull request, would be taken for the one that they are in.
 */
const unled: readonly string[] = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'safe.bareRepository=explicit',
];

/** Runs git with the words as they are. It reads the local repository alone: nothing is fetched, no hook or pager runs. */
function runGit(
  directory: string,
  words: readonly string[],
  input: string,
  maxBytes: number,
): Promise<GitAnswer> {
  return new Promise((resolve) => {
    const git = spawn(
      'git',
      ['-C', directory, '--no-pager', ...unled.flatMap((one) => ['-c', one]), ...words],
      {
        env: {
          ...process.env,
          GIT_NO_LAZY_FETCH: '1',
          // Objects that stand in for others would show another commit than the one that is named.
          GIT_NO_REPLACE_OBJECTS: '1',
          GIT_OPTIONAL_LOCKS: '0',
          GIT_TERMINAL_PROMPT: '0',
          LC_ALL: 'C',
        },
        timeout: gitTimeMs,
        stdio: 'pipe',
      },
    );
    const chunks: Buffer[] = [];
    let size = 0;
    let said = '';
    git.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) git.kill('SIGKILL');
      else chunks.push(chunk);
    });
    git.stderr.on('data', (chunk: Buffer) => {
      if (said.length < 2000) said += chunk.toString('utf8');
    });
    git.once('error', (error) => resolve({ ok: false, detail: `git cannot be run: ${error.message}` }));
    git.once('close', (code) => {
      if (size > maxBytes) resolve({ ok: false, detail: `git gave more than ${maxBytes} bytes` });
      else if (code === 0) resolve({ ok: true, out: Buffer.concat(chunks) });
      else resolve({ ok: false, detail: said.trim().split('\n')[0] ?? `git ended with ${code}` });
    });
    // It may have ended before it read all.
    git.stdin.on('error', () => {});
    git.stdin.end(input);
  });
}

/** Which of a folder's paths git would not add, because of what .gitignore says; none where there is no git. */
export async function ignoredByGit(directory: string, paths: readonly string[]): Promise<string[]> {
  const words = ['check-ignore', '-z', '--stdin'];
  const answer = await runGit(directory, words, paths.map((path) => `${path}\0`).join(''), maxListBytes);
  return answer.ok
    ? answer.out
        .toString('utf8')
        .split('\0')
        .filter((path) => path !== '')
    : [];
}

const unreadable = (revision: string, detail: string): Failure =>
  fail(
    exits.usage,
    'base_unreadable',
    `The repo at ${revision} cannot be read: ${detail}. Nothing was compared.`,
  );

type Entry = { readonly mode: string; readonly id: string; readonly size: number; readonly path: string };

/** `100644 blob <id> <size>\t<path>`, ended by NUL. Submodules have no size. */
const readEntries = (out: Buffer): Entry[] =>
  out
    .toString('utf8')
    .split('\0')
    .flatMap((line) => {
      const [, mode, id, size, path] =
        /^([0-7]{6}) [a-z]+ ([0-9a-f]{40,64}) +([0-9]+|-)\t([\s\S]+)$/.exec(line) ?? [];
      return path === undefined
        ? []
        : [{ mode: mode!, id: id!, size: size === '-' ? 0 : Number(size), path }];
    });

/**
 * Reads the repo as a commit has it, by the objects of git alone: no checkout, no filters, no attributes. What a
 * folder's reader would not read is a finding here too.
 */
export async function readRepoAt(
  directory: string,
  revision: string,
): Promise<{ ok: true; value: Repo; commit: string } | Failure> {
  const commit = await runGit(
    directory,
    ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`],
    '',
    1000,
  );
  if (!commit.ok)
    return unreadable(revision, commit.detail === '' ? 'there is no such commit' : commit.detail);
  const id = commit.out.toString('utf8').trim();
  const listed = await runGit(
    directory,
    ['--literal-pathspecs', 'ls-tree', '-r', '-z', '-l', id, '--', ...knownInRepo],
    '',
    maxListBytes,
  );
  if (!listed.ok) return unreadable(revision, listed.detail);
  const findings: Finding[] = [];
  const wanted: Entry[] = [];
  let total = 0;
  for (const entry of readEntries(listed.out)) {
    const tell = (code: string, message: string): void => {
      findings.push({ file: entry.path, line: 1, column: 1, severity: 'error', code, message });
    };
    total += entry.size;
    if (entry.mode === '120000') tell('symlink', 'a link is not followed: put the file itself here');
    else if (!entry.mode.startsWith('100')) tell('no_file', 'it is neither a file nor a folder');
    else if (entry.size > maxRepoFileBytes) tell('file_too_large', `it has ${entry.size} bytes`);
    else if (total > maxRepoBytes || wanted.length >= maxRepoFiles)
      tell('repo_too_large', 'the repo is too large');
    else wanted.push(entry);
  }
  const request = wanted.map((entry) => `${entry.id}\n`).join('');
  const got = await runGit(directory, ['cat-file', '--batch'], request, 2 * maxRepoBytes);
  if (!got.ok) return unreadable(revision, got.detail);
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  let at = 0;
  for (const { path, id: object } of wanted) {
    const end = got.out.indexOf(0x0a, at);
    const [, size] = new RegExp(`^${object} blob ([0-9]+)$`).exec(got.out.toString('latin1', at, end)) ?? [];
    if (end < 0 || size === undefined) return unreadable(revision, `git does not have ${path}`);
    files.set(path, new Uint8Array(got.out.subarray(end + 1, end + 1 + Number(size))));
    at = end + 1 + Number(size) + 1;
  }
  return { ok: true, value: { files, findings }, commit: id };
}

/** The commit that a revision names; null where there is none. */
export async function commitOfRevision(directory: string, revision: string): Promise<string | null> {
  const words = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`];
  const answer = await runGit(directory, words, '', 1000);
  return answer.ok ? answer.out.toString('utf8').trim() : null;
}

/** The commit that a folder is at; null where it holds anything else than that, or there is no git. */
export async function commitOf(directory: string, { files }: Repo): Promise<string | null> {
  const head = await readRepoAt(directory, 'HEAD');
  if (!head.ok || head.value.findings.length > 0 || head.value.files.size !== files.size) return null;
  const isSame = [...files].every(([path, bytes]) => {
    const committed = head.value.files.get(path);
    return committed !== undefined && Buffer.compare(committed, bytes) === 0;
  });
  return isSame ? head.commit : null;
}

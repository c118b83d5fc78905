import { closeSync, constants, type Dirent, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import type { Finding } from '../config/finding.ts';
import { byText, maxRepoBytes, maxRepoFileBytes, maxRepoFiles, type Repo } from '../config/repo.ts';

/** What of a repo's folder means something; whatever else lies there is not looked at. */
export const knownInRepo: readonly string[] = [
  'homelab.yaml',
  'house.yaml',
  'vars.yaml',
  'apps',
  'secrets',
  'ca',
  'runbooks',
  'generate',
];
const ignored = new Set(['.git', 'node_modules']);

const noFile = 'it is neither a file nor a folder';
/** What was a file when its folder was read may be a link or a pipe when it is opened. */
const asItIs = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
const badName = /[\u0000-\u001f\u007f\\\ufffd]/;

/**
 * Reads a repo from a folder. Links are not followed, and neither large files read nor what may not be: each is a
 * finding. Throws what the system says of the folder itself.
 */
export function readRepo(root: string): Repo {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const findings: Finding[] = [];
  let total = 0;
  const tell = (file: string, code: string, message: string): void => {
    findings.push({ file, line: 1, column: 1, severity: 'error', code, message });
  };
  /** What the system gives, or a finding when it refuses. */
  const attempt = <T>(path: string, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      tell(path, 'unreadable', `it cannot be read (${code})`);
      return undefined;
    }
  };
  /** Whether there is room for more. */
  const take = (path: string, descriptor: number): boolean => {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) tell(path, 'no_file', noFile);
    else if (stat.size > maxRepoFileBytes) {
      const message = `it has ${stat.size} bytes; a file of a repo has at most ${maxRepoFileBytes}`;
      tell(path, 'file_too_large', message);
    } else if (total + stat.size > maxRepoBytes || files.size >= maxRepoFiles) {
      const limits = `${maxRepoFiles} files and ${maxRepoBytes} bytes`;
      tell(path, 'repo_too_large', `a repo has at most ${limits}; what comes from here on was not read`);
      return false;
    } else {
      const bytes = attempt(path, () => readBytes(descriptor, stat.size));
      if (bytes === undefined) return true;
      total += bytes.length;
      files.set(path, bytes);
    }
    return true;
  };
  const add = (path: string, entry: Dirent): boolean => {
    if (entry.isSymbolicLink()) tell(path, 'symlink', 'a link is not followed: put the file itself here');
    else if (!entry.isFile()) tell(path, 'no_file', noFile);
    else {
      const descriptor = attempt(path, () => openSync(`${root}/${path}`, asItIs));
      if (descriptor === undefined) return true;
      try {
        return take(path, descriptor);
      } finally {
        closeSync(descriptor);
      }
    }
    return true;
  };
  const walk = (folder: string, entries: readonly Dirent[]): boolean => {
    for (const entry of [...entries].sort((a, b) => byText(a.name, b.name))) {
      const { name } = entry;
      if (ignored.has(name)) continue;
      const path = folder === '' ? name : `${folder}/${name}`;
      if (badName.test(name)) {
        tell(
          path,
          'bad_file_name',
          'its name has control characters, backslashes or bytes that are not UTF-8',
        );
        continue;
      }
      const inside = entry.isDirectory() ? attempt(path, () => list(`${root}/${path}`)) : undefined;
      if (!(entry.isDirectory() ? walk(path, inside ?? []) : add(path, entry))) return false;
    }
    return true;
  };
  walk(
    '',
    list(root).filter(({ name }) => knownInRepo.includes(name)),
  );
  return { files, findings };
}

const list = (folder: string): Dirent[] => readdirSync(folder, { withFileTypes: true });

function readBytes(descriptor: number, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const read = readSync(descriptor, bytes, length, size - length, null);
    if (read === 0) return bytes.slice(0, length);
    length += read;
  }
  return bytes;
}

import { lstatSync, readdirSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../config/finding.ts';
import { byText, maxRepoBytes, maxRepoFileBytes, maxRepoFiles, type Repo } from '../config/repo.ts';

/** What of a repo's folder means something; whatever else lies there is not looked at. */
export const knownInRepo: readonly string[] = [
  'homelab.yaml',
  'house.yaml',
  'vars.yaml',
  'apps',
  'secrets',
  'runbooks',
  'generate',
];
const ignored = new Set(['.git', 'node_modules']);

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
  const add = (path: string, stat: Stats): boolean => {
    if (stat.isSymbolicLink()) tell(path, 'symlink', 'a link is not followed: put the file itself here');
    else if (!stat.isFile()) tell(path, 'no_file', 'it is neither a file nor a folder');
    else if (stat.size > maxRepoFileBytes) {
      const message = `it has ${stat.size} bytes; a file of a repo has at most ${maxRepoFileBytes}`;
      tell(path, 'file_too_large', message);
    } else if (total + stat.size > maxRepoBytes || files.size >= maxRepoFiles) {
      const limits = `${maxRepoFiles} files and ${maxRepoBytes} bytes`;
      tell(path, 'repo_too_large', `a repo has at most ${limits}; what comes from here on was not read`);
      return false;
    } else {
      const bytes = attempt(path, () => readFileSync(join(root, path)));
      if (bytes === undefined) return true;
      total += bytes.length;
      files.set(path, new Uint8Array(bytes));
    }
    return true;
  };
  const walk = (folder: string, names: readonly string[]): boolean => {
    for (const name of [...names].sort(byText)) {
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
      const stat = attempt(path, () => lstatSync(join(root, path)));
      if (stat === undefined) continue;
      const inside = stat.isDirectory() ? attempt(path, () => readdirSync(join(root, path))) : undefined;
      if (!(stat.isDirectory() ? walk(path, inside ?? []) : add(path, stat))) return false;
    }
    return true;
  };
  walk(
    '',
    readdirSync(root).filter((name) => knownInRepo.includes(name)),
  );
  return { files, findings };
}

import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../config/finding.ts';
import { byText, maxRepoBytes, maxRepoFileBytes, maxRepoFiles, type Repo } from '../config/repo.ts';

const ignored = new Set(['.git', 'node_modules']);

/**
 * Reads a repo from a folder. Links are not followed and large files not read: each is a finding. Throws what the
 * system says of the folder itself.
 */
export function readRepo(root: string): Repo {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const findings: Finding[] = [];
  let total = 0;
  const tell = (file: string, code: string, message: string): void => {
    findings.push({ file, line: 1, column: 1, severity: 'error', code, message });
  };
  const walk = (folder: string): boolean => {
    const names = readdirSync(join(root, folder)).sort(byText);
    for (const name of names) {
      if (ignored.has(name)) continue;
      const path = folder === '' ? name : `${folder}/${name}`;
      const stat = lstatSync(join(root, path));
      if (stat.isDirectory()) {
        if (!walk(path)) return false;
      } else if (stat.isSymbolicLink()) {
        tell(path, 'symlink', 'a link is not followed: put the file itself here');
      } else if (!stat.isFile()) {
        tell(path, 'no_file', 'it is neither a file nor a folder');
      } else if (stat.size > maxRepoFileBytes) {
        tell(
          path,
          'file_too_large',
          `it has ${stat.size} bytes; a file of a repo has at most ${maxRepoFileBytes}`,
        );
      } else if (total + stat.size > maxRepoBytes || files.size >= maxRepoFiles) {
        const limits = `${maxRepoFiles} files and ${maxRepoBytes} bytes`;
        tell(path, 'repo_too_large', `a repo has at most ${limits}; what comes from here on was not read`);
        return false;
      } else {
        total += stat.size;
        files.set(path, new Uint8Array(readFileSync(join(root, path))));
      }
    }
    return true;
  };
  walk('');
  return { files, findings };
}

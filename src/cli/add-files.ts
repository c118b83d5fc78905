import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { replaceOutput, writeWhole } from './output.ts';

/**
 * Adds files to a folder, those of `replaced` in the place of others. All are written beside it first, and then put in
 * by renaming; what fails on the way is taken back.
 *
 * @param files bytes by their path in the folder
 */
export function addFiles(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
  replaced: ReadonlySet<string>,
): void {
  const staged = join(folder, `.writ-${randomBytes(6).toString('hex')}.tmp`);
  const added: string[] = [];
  const made: string[] = [];
  try {
    mkdirSync(staged);
    for (const [path, bytes] of files) {
      mkdirSync(dirname(join(staged, path)), { recursive: true });
      writeWhole(join(staged, path), bytes);
    }
    for (const path of files.keys()) {
      if (replaced.has(path)) continue;
      if (existsSync(join(folder, path))) throw exists(path);
      makeParents(folder, path, made);
      renameSync(join(staged, path), join(folder, path));
      added.push(path);
    }
    for (const path of replaced) replaceOutput(join(folder, path), files.get(path)!);
  } catch (error) {
    for (const path of added) rmSync(join(folder, path), { force: true });
    for (const path of made.reverse()) rmdirSync(path);
    throw error;
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

/** The system's own error for a name that is there, which somebody else has just made. */
const exists = (path: string): Error =>
  Object.assign(new Error(`EEXIST: ${path} is there already`), { code: 'EEXIST', syscall: 'rename', path });

function makeParents(folder: string, path: string, made: string[]): void {
  const parent = dirname(path);
  if (parent === '.' || existsSync(join(folder, parent))) return;
  makeParents(folder, parent, made);
  mkdirSync(join(folder, parent));
  made.push(join(folder, parent));
}

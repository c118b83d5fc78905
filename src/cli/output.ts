import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { writeNew } from './files.ts';
import { exits, type Failure, fail } from './outcome.ts';

/** By this file a folder is known as one that `writ config build` made, which it may replace. */
export const manifestFile = 'manifest.json';

const temporaryName = (path: string): string => `${resolve(path)}.${randomBytes(6).toString('hex')}.tmp`;

/** Writes a file that others may read, so that a crash or a full disk leaves the old one or the new one. */
export const replaceOutput = (path: string, bytes: Uint8Array): void =>
  replaceOutputs(new Map([[path, bytes]]));

/**
 * Writes several such files, whose folders are made: none is replaced before all are on the disk, and one that the
 * system refuses to replace brings those before it back.
 *
 * @param files bytes by path
 */
export function replaceOutputs(files: ReadonlyMap<string, Uint8Array>): void {
  const ready = [...files].map(([path, bytes]) => ({ path, bytes, temporary: temporaryName(path) }));
  const replaced: { path: string; before: Uint8Array | null }[] = [];
  try {
    for (const { path, bytes, temporary } of ready) {
      mkdirSync(dirname(path), { recursive: true });
      writeWhole(temporary, bytes);
    }
    for (const { path, temporary } of ready) {
      const before = existsSync(path) ? readFileSync(path) : null;
      renameSync(temporary, path);
      replaced.push({ path, before });
    }
  } catch (error) {
    for (const { path, before } of replaced) {
      if (before === null) rmSync(path, { force: true });
      else replaceOutput(path, before);
    }
    throw error;
  } finally {
    for (const { temporary } of ready) rmSync(temporary, { force: true });
  }
}

/** Writes a new file that others may read, onto the disk; it must not be there. */
export const writeWhole = (path: string, bytes: Uint8Array): void => writeNew(path, bytes, 0o644);

/** Why a folder may not be replaced, or null: it is not there, empty, or made by `writ config build`. */
export function judgeOutput(folder: string): Failure | null {
  if (!existsSync(folder)) return null;
  const whole = statSync(folder).isDirectory() ? readdirSync(folder) : null;
  if (whole !== null && (whole.length === 0 || whole.includes(manifestFile))) return null;
  return fail(
    exits.usage,
    'output_exists',
    `${folder} is there and was not made by writ config build. Nothing was written. Name another folder.`,
  );
}

/**
 * Writes a folder beside its place and puts it there by renaming, so that it is whole or as it was before.
 *
 * @param files bytes by the path in the folder
 */
export function replaceFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  const temporary = temporaryName(folder);
  const before = temporaryName(folder);
  try {
    mkdirSync(temporary, { recursive: true });
    for (const [path, bytes] of files) {
      mkdirSync(dirname(join(temporary, path)), { recursive: true });
      writeWhole(join(temporary, path), bytes);
    }
    const there = existsSync(folder);
    if (there) renameSync(folder, before);
    try {
      renameSync(temporary, folder);
    } catch (error) {
      if (there) renameSync(before, folder);
      throw error;
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    rmSync(before, { recursive: true, force: true });
  }
}

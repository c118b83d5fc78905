import { constants } from 'node:fs';
import { chmod, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolders } from './make-folders.ts';

/** The text of a file, or null when it is not there. Other errors are thrown: a key that cannot be read is not absent. */
export async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Makes a folder that only its owner may enter; one that exists is left as it is. */
export async function makePrivateFolder(path: string): Promise<void> {
  if (makeFolders(path, 0o700)) await chmod(path, 0o700);
}

/**
 * Writes a file of mode 0600 that must not exist yet, durably: it appears whole under its name or not at all.
 * Throws EEXIST rather than replace what is there.
 */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const part = `${path}.part`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const file = await open(part, flags, 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  if (await exists(path)) throw Object.assign(new Error(`${path} exists already`), { code: 'EEXIST' });
  await rename(part, path);
  await syncFolder(dirname(path));
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

import {
  chmodSync,
  closeSync,
  fstatSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { exits, type Failure, fail } from '../outcome.ts';

/** A folder in memory that the owner alone may enter, for a value while it is edited. */
export type PlainFolder = {
  readonly file: string;
  /** The file as it is now; null when it is gone, is no file, or has more than so many bytes. */
  read(maxBytes: number): Uint8Array<ArrayBuffer> | null;
  /** Overwrites and removes everything in it; more than once does no harm. */
  wipe(): void;
};

/** statfs(2): what is on these never reaches a disk but as swap. */
const memoryTypes: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

const isInMemory = (folder: string): boolean => {
  try {
    return statSync(folder).isDirectory() && memoryTypes.has(statfsSync(folder).type >>> 0);
  } catch {
    return false;
  }
};

/** Where a value may be written in clear: on tmpfs, or where the owner said. */
export function plainPlace(
  env: Readonly<Record<string, string | undefined>>,
  given: string | undefined,
): { ok: true; value: string } | Failure {
  if (given !== undefined) return { ok: true, value: given };
  const candidates = [env.XDG_RUNTIME_DIR, '/dev/shm'].filter(
    (folder): folder is string => folder !== undefined && folder !== '',
  );
  const place = candidates.find(isInMemory);
  return place !== undefined
    ? { ok: true, value: place }
    : fail(
        exits.usage,
        'no_memory_folder',
        `No folder in memory was found (${candidates.join(', ')}), and on a disk the value could be read after it was deleted. Nothing was decrypted. Set the value without an editor (writ secrets set), or name a folder that you trust with --tmp DIR.`,
      );
}

/** Makes the folder with a value in its one file. */
export function makePlainFolder(place: string, name: string, value: Uint8Array): PlainFolder {
  const folder = mkdtempSync(join(place, 'writ-secret-'));
  chmodSync(folder, 0o700);
  const file = join(folder, name);
  const wipe = (): void => {
    overwriteAll(folder);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    writeFileSync(file, value, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    wipe();
    throw error;
  }
  return {
    file,
    read(maxBytes) {
      const stat = lstatSync(file, { throwIfNoEntry: false });
      if (stat === undefined || !stat.isFile() || stat.size > maxBytes) return null;
      return new Uint8Array(readFileSync(file));
    },
    wipe,
  };
}

/** Editors leave copies beside the file, with names of their own. */
function overwriteAll(folder: string): void {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) overwriteAll(path);
      else if (entry.isFile()) overwrite(path);
    }
  } catch {
    // What cannot be overwritten is removed all the same.
  }
}

function overwrite(path: string): void {
  const handle = openSync(path, 'r+');
  try {
    writeSync(handle, new Uint8Array(fstatSync(handle).size), 0, undefined, 0);
  } finally {
    closeSync(handle);
  }
}

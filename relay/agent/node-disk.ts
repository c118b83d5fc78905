import { constants, writeSync } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Disk } from './disk.ts';

/** Root at its console must not be led out of the folder by whoever writes in it, which is the relay's user. */
const noFollow = constants.O_NOFOLLOW;

const isMissing = (error: unknown): boolean => (error as { code?: unknown }).code === 'ENOENT';

/**
 * A folder on this machine, made with mode 0700 when it is missing. What root writes into somebody else's folder
 * is given to that folder's owner: the relay runs as a user of its own, and root at its console sets it up.
 */
export function nodeDisk(folder: string): Disk {
  const handles = new Map<string, FileHandle>();

  const pathOf = (name: string): string => {
    if (!/^[a-z][a-z0-9.-]{0,40}$/.test(name)) throw new Error('not a plain file name');
    return join(folder, name);
  };

  const forget = async (name: string): Promise<void> => {
    const handle = handles.get(name);
    handles.delete(name);
    // Its bytes were synced or given up already.
    await handle?.close().catch(() => undefined);
  };

  const giveToOwner = async (handle: FileHandle): Promise<void> => {
    if (process.geteuid?.() !== 0) return;
    const { uid, gid } = await stat(folder);
    const made = await handle.stat();
    if (made.uid !== uid || made.gid !== gid) await handle.chown(uid, gid);
  };

  const syncFolder = async (): Promise<void> => {
    const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  };

  return {
    async read(name) {
      try {
        return new Uint8Array(await readFile(pathOf(name), { flag: constants.O_RDONLY | noFollow }));
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },
    async append(name, bytes) {
      try {
        let handle = handles.get(name);
        if (handle === undefined) {
          handle = await open(pathOf(name), constants.O_WRONLY | constants.O_APPEND | noFollow);
          handles.set(name, handle);
        }
        // Into the kernel's memory alone, which takes less than to have another thread do it; the disk is waited for below.
        let written = 0;
        while (written < bytes.length) {
          written += writeSync(handle.fd, bytes, written, bytes.length - written);
        }
        await handle.datasync();
      } catch (error) {
        await forget(name);
        throw error;
      }
    },
    async replace(name, bytes) {
      await forget(name);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const path = pathOf(name);
      const next = `${path}.new`;
      await rm(next, { force: true });
      const handle = await open(next, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      try {
        await giveToOwner(handle);
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(next, path);
      await syncFolder();
    },
    async remove(name) {
      await forget(name);
      await rm(pathOf(name), { force: true });
      await syncFolder().catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    },
    async exposed(name) {
      return ((await stat(pathOf(name))).mode & 0o077) !== 0;
    },
    async close() {
      for (const name of [...handles.keys()]) await forget(name);
    },
  };
}

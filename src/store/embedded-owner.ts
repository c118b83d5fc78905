import { closeSync, openSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Libsql from 'libsql';
import { reasonOfCode } from './driver-values.ts';
import { storeError } from './port.ts';

/** The claim of one process on a database file. */
export type Ownership = {
  /** The file, links resolved. */
  readonly path: string;
  readonly release: () => void;
};

/**
 * Claims the file for this process, creating it with mode 0600 if it is absent. The claim is an exclusive lock of the
 * operating system on `<path>-owner`, taken through SQLite: the kernel drops it with the process, so that nothing
 * stale stays after a kill -9, and a second claim in the same process fails too. Throws StoreError `in_use` when
 * it is taken, `readonly` or `unavailable` when the directory does not let us.
 */
export function claimFile(given: string): Ownership {
  const path = resolveLinks(given);
  const lockPath = `${path}-owner`;
  createIfAbsent(lockPath);
  const lock = takeLock(lockPath, path);
  try {
    createIfAbsent(path);
  } catch (error) {
    lock.close();
    throw error;
  }
  return { path, release: () => lock.close() };
}

function takeLock(lockPath: string, path: string): { readonly close: () => void } {
  let lock: { readonly exec: (sql: string) => unknown; readonly close: () => unknown } | undefined;
  try {
    lock = new Libsql(lockPath, { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    const code =
      error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
    const reason = reasonOfCode(code) ?? 'unavailable';
    if (reason === 'busy')
      throw storeError('in_use', `another process (or this one) already serves ${path}`, error);
    throw storeError(reason, `${lockPath} cannot be locked`, error);
  }
  const held = lock;
  return { close: () => void held.close() };
}

function resolveLinks(given: string): string {
  try {
    return realpathSync(given);
  } catch {
    // Not there yet: its directory has to be.
  }
  try {
    return join(realpathSync(dirname(given)), basename(given));
  } catch (error) {
    throw storeError('unavailable', `the directory of ${given} cannot be reached`, error);
  }
}

/**
 * Never opens a file that exists: closing any descriptor of it would drop the locks that this process holds on it
 * (POSIX advisory locks belong to process and file, not to the descriptor).
 */
function createIfAbsent(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') return;
    if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
      throw storeError('readonly', `${path} cannot be created`, error);
    }
    if (code === 'ENOSPC' || code === 'EDQUOT') throw storeError('full', `${path} cannot be created`, error);
    throw storeError('unavailable', `${path} cannot be created`, error);
  }
}

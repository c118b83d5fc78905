import { existsSync } from 'node:fs';
import { mkdtemp, open, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { copyDatabase, verifyCopy } from '../store/embedded-copy.ts';
import { isStoreError } from '../store/port.ts';
import {
  type BackupManifest,
  backupBytes,
  looksLikeBackup,
  manifestOf,
  measureFile,
  readBackup,
} from './backup-format.ts';
import { syncFolder } from './private-files.ts';

export type BackupRefusal =
  /** There is no database in the folder. */
  | 'data_dir_missing'
  /** The database cannot be opened or copied. */
  | 'data_dir_unusable'
  /** Where the backup is to be, the copy does not fit. */
  | 'no_space'
  /** The copy does not verify: so does not the original. */
  | 'database_damaged'
  | 'database_newer'
  /** What stands under the backup's name is something else. */
  | 'backup_target_foreign'
  /** The folder that it is to be in is not there. */
  | 'backup_folder_missing'
  /** Whoever was to take it went away, or could not. */
  | 'output_failed'
  /** What was written does not read back as it was written. */
  | 'backup_damaged'
  | 'given_up';

export type BackupOptions = {
  readonly dataDir: string;
  readonly now: () => number;
  /** Of this program. */
  readonly version: string;
  readonly signal?: AbortSignal;
};

/**
 * Backs a control plane up into a file, while it runs or not. The file gets its name only once it was written whole,
 * read back, and is on the disk; an older backup of that name is replaced then. Keys are not in it. Rejects with
 * what the system says, such as ENOSPC, and leaves nothing behind then.
 */
export async function backupToFile(
  options: BackupOptions,
  file: string,
): Promise<Result<BackupManifest, BackupRefusal>> {
  const target = resolve(file);
  if (!(await mayReplace(target))) {
    return refuse('backup_target_foreign', `${target} is there already, and is no backup`);
  }
  const folder = dirname(target);
  if (!existsSync(folder)) return refuse('backup_folder_missing', `there is no folder ${folder}`);
  return withCopy(options, folder, async (manifest, copy, work) => {
    const part = join(work, basename(target));
    const out = await open(part, 'wx', 0o600);
    try {
      for await (const chunk of backupBytes(manifest, copy)) await out.writeFile(chunk);
      await out.sync();
    } finally {
      await out.close();
    }
    const written = await open(part, 'r');
    let read: Awaited<ReturnType<typeof readBackup>>;
    try {
      read = await readBackup(written.createReadStream({ autoClose: false }), null);
    } finally {
      await written.close();
    }
    if (!read.ok) return refuse('backup_damaged', `${part} does not read back: ${read.detail}`);
    if (options.signal?.aborted) return refuse('given_up');
    await rename(part, target);
    await syncFolder(folder);
    return ok(manifest);
  });
}

/** Backs a control plane up into a stream, such as a pipe. Only the reader can tell whether it arrived whole. */
export const backupToStream = (
  options: BackupOptions,
  write: (chunk: Uint8Array) => Promise<void>,
): Promise<Result<BackupManifest, BackupRefusal>> =>
  withCopy(options, tmpdir(), async (manifest, copy) => {
    for await (const chunk of backupBytes(manifest, copy)) {
      if (options.signal?.aborted) return refuse('given_up');
      try {
        await write(chunk);
      } catch (error) {
        return refuse('output_failed', error instanceof Error ? error.message : String(error));
      }
    }
    return ok(manifest);
  });

/** Copies and verifies the database in a private folder below `where`, which is gone afterwards. */
async function withCopy(
  { dataDir, now, version, signal }: BackupOptions,
  where: string,
  use: (
    manifest: BackupManifest,
    copy: string,
    work: string,
  ) => Promise<Result<BackupManifest, BackupRefusal>>,
): Promise<Result<BackupManifest, BackupRefusal>> {
  const database = join(dataDir, 'writ.db');
  if (!existsSync(database)) return refuse('data_dir_missing', `there is no ${database}`);
  const work = await mkdtemp(join(where, '.writ-backup-'));
  try {
    const copy = join(work, 'writ.db');
    const takenAt = now();
    try {
      copyDatabase(database, copy);
    } catch (error) {
      if (!isStoreError(error)) throw error;
      const reasons = { corrupt: 'database_damaged', full: 'no_space' } as const;
      const known = error.reason === 'corrupt' || error.reason === 'full' ? reasons[error.reason] : null;
      return refuse(known ?? 'data_dir_unusable', error.detail);
    }
    if (signal?.aborted) return refuse('given_up');
    const facts = await verifyCopy(copy);
    if (!facts.ok)
      return refuse(facts.reason === 'newer' ? 'database_newer' : 'database_damaged', facts.detail);
    const { trust, schemaVersion, audit } = facts.value;
    const manifest = manifestOf({
      home: trust?.document.home ?? null,
      takenAt,
      version,
      schemaVersion,
      trustVersion: trust?.document.version ?? 0,
      audit,
      database: await measureFile(copy),
    });
    return await use(manifest, copy, work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Whether a name is free, or an earlier backup's: a slip in a name must not cost a file. */
async function mayReplace(path: string): Promise<boolean> {
  if (!existsSync(path)) return true;
  const file = await open(path, 'r');
  try {
    const beginning = new Uint8Array(512);
    const { bytesRead } = await file.read(beginning, 0, beginning.length, 0).catch(() => ({ bytesRead: -1 }));
    return bytesRead === beginning.length && looksLikeBackup(beginning);
  } finally {
    await file.close();
  }
}

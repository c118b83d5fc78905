import { chown, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { verifyCopy } from '../store/embedded-copy.ts';
import { type BackupFault, type BackupManifest, readBackup } from './backup-format.ts';
import { makeFolders } from './make-folders.ts';
import { readText, syncFolder } from './private-files.ts';

export type RestoreRefusal =
  | BackupFault
  /** Something is in the folder already: a restore never writes over anything. */
  | 'data_dir_not_empty'
  /** The folder cannot get its name in one step. */
  | 'data_dir_unusable';

export type RestoreOptions = {
  readonly dataDir: string;
  readonly now: () => number;
  /** Called before each step, for tests that end the process there. */
  readonly onStep?: (step: RestoreStep) => void;
};

export const restoreSteps = ['begun', 'read', 'verified', 'staged', 'placed'] as const;
export type RestoreStep = (typeof restoreSteps)[number];

/** Says that a data folder comes from a backup, so that its control plane may have no key yet. */
const markerFile = (dataDir: string): string => join(dataDir, 'restored.json');

/**
 * Makes a data folder of a backup. All is read, verified and synced in a folder beside it, which gets the final name
 * in one step: a crash at any moment leaves no data folder, or the whole. Rejects with what the system says.
 */
export async function restoreBackup(
  options: RestoreOptions,
  source: AsyncIterable<Uint8Array>,
): Promise<Result<BackupManifest, RestoreRefusal>> {
  const target = resolve(options.dataDir);
  const reached = options.onStep ?? (() => {});
  const before = await stat(target).catch(() => null);
  if (before !== null && (!before.isDirectory() || (await readdir(target)).length > 0)) {
    return refuse('data_dir_not_empty', `${target} is not empty`);
  }
  const parent = dirname(target);
  const stage = `${target}.restoring`;
  makeFolders(parent, 0o777);
  await rm(stage, { recursive: true, force: true });
  await mkdir(stage, { mode: 0o700 });
  let placed = false;
  try {
    reached('begun');
    const database = join(stage, 'writ.db');
    const read = await readBackup(source, database);
    if (!read.ok) return read;
    const manifest = read.value;
    reached('read');
    const facts = await verifyCopy(database, {
      time: options.now(),
      event: 'home.restored',
      principal: 'operator',
      facts: { taken_at: manifest.taken_at, audit_seq: manifest.audit.seq },
    });
    if (!facts.ok) {
      return facts.reason === 'newer'
        ? refuse('backup_newer', facts.detail)
        : refuse('backup_damaged', facts.detail);
    }
    const { trust, audit, schemaVersion } = facts.value;
    const isAsTold =
      (trust?.document.home ?? null) === manifest.home &&
      (trust?.document.version ?? 0) === manifest.trust_version &&
      schemaVersion === manifest.schema_version &&
      audit.seq === manifest.audit.seq &&
      audit.hash === manifest.audit.hash;
    if (!isAsTold) return refuse('backup_damaged', 'its manifest is of another database');
    reached('verified');
    const marker = markerFile(stage);
    await writeFile(marker, `${JSON.stringify(manifest)}\n`, { mode: 0o600, flag: 'wx' });
    for (const path of [database, marker]) await settle(path, before);
    await settle(stage, before);
    reached('staged');
    try {
      await rename(stage, target);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'ENOTEMPTY' || code === 'EEXIST') {
        return refuse('data_dir_not_empty', `${target} is not empty`);
      }
      if (code === 'EBUSY' || code === 'EXDEV') {
        return refuse('data_dir_unusable', `${target} is a mount point: name a folder inside it`);
      }
      throw error;
    }
    placed = true;
    reached('placed');
    await syncFolder(parent);
    return ok(manifest);
  } finally {
    if (!placed) await rm(stage, { recursive: true, force: true });
  }
}

/** Brings a file or folder to the disk, and gives it the owner that the data folder had. */
async function settle(path: string, like: { uid: number; gid: number } | null): Promise<void> {
  if (like !== null && process.getuid?.() === 0) await chown(path, like.uid, like.gid);
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Whether a data folder comes from a backup, and no start since found its key in trust. */
export const isRestored = async (dataDir: string): Promise<boolean> =>
  (await readText(markerFile(dataDir))) !== null;

/** A control plane whose key is in trust has no more need of another. */
export const forgetRestored = (dataDir: string): Promise<void> => rm(markerFile(dataDir), { force: true });

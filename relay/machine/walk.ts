import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ok, type Refusal, type Result, refuse } from '../../schema/result.ts';
import { isMachinePath, type MachineReason } from './machine.ts';
import { reasonOf } from './reasons.ts';

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** An open folder, and a name in it: what is done to `at` is done in that very folder, whoever renames what meanwhile. */
type Seat = { readonly at: string; readonly folder: FileHandle; readonly name: string };

/**
 * Opens the folder of a path part by part, following no link (openat(2) with O_NOFOLLOW, by way of /proc/self/fd).
 * The caller closes `folder`.
 */
async function openFolderOf(path: string): Promise<Result<Seat, MachineReason>> {
  if (!isMachinePath(path))
    return refuse('bad_path', 'a path is absolute, without "..", "//" or a slash at its end');
  const parts = path.slice(1).split('/');
  const name = parts.pop()!;
  let folder = await open('/', folderFlags);
  for (const part of parts) {
    try {
      const next = await open(`/proc/self/fd/${folder.fd}/${part}`, folderFlags);
      await folder.close();
      folder = next;
    } catch (error) {
      await folder.close();
      return onTheWay(error, path);
    }
  }
  return ok({ at: `/proc/self/fd/${folder.fd}/${name}`, folder, name });
}

/** Opened as a folder, a link is ENOTDIR, or ELOOP. */
function onTheWay(error: unknown, path: string): Refusal<MachineReason> {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOTDIR' || code === 'ELOOP') {
    return refuse('symlink', `a part of the way to ${path} is a link or a file`);
  }
  return reasonOf(error, path);
}

/** Works in the folder of a path, and turns what the system says into reasons. */
export async function inFolderOf<T>(
  path: string,
  work: (seat: Seat) => Promise<Result<T, MachineReason>>,
): Promise<Result<T, MachineReason>> {
  const seat = await openFolderOf(path);
  if (!seat.ok) return seat;
  try {
    return await work(seat.value);
  } catch (error) {
    return reasonOf(error, path);
  } finally {
    await seat.value.folder.close();
  }
}

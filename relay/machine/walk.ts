import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ok, type Refusal, type Result, refuse } from '../../schema/result.ts';
import { isMachinePath, type MachineReason } from './machine.ts';
import { reasonOf } from './reasons.ts';

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** An open folder, and a name in it: what is done to `at` is done in that very folder, whoever renames what meanwhile. */
type Seat = { readonly at: string; readonly folder: FileHandle; readonly name: string };

/** Folders that are open, by path; each is opened once, however many paths lie in it. */
type Folders = Map<string, FileHandle>;

/** Opens the folder of a path part by part, following no link (openat(2) with O_NOFOLLOW, by way of /proc/self/fd). */
async function openFolderOf(path: string, folders: Folders): Promise<Result<Seat, MachineReason>> {
  if (!isMachinePath(path))
    return refuse('bad_path', 'a path is absolute, without "..", "//" or a slash at its end');
  const parts = path.slice(1).split('/');
  const name = parts.pop()!;
  let way = '';
  let folder = folders.get(way) ?? (await open('/', folderFlags));
  folders.set(way, folder);
  for (const part of parts) {
    way += `/${part}`;
    const known = folders.get(way);
    if (known !== undefined) {
      folder = known;
      continue;
    }
    try {
      folder = await open(`/proc/self/fd/${folder.fd}/${part}`, folderFlags);
      folders.set(way, folder);
    } catch (error) {
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

/** How the work in the folder of a path is done: with the folders of earlier paths still open. */
export type InFolderOf = <T>(
  path: string,
  work: (seat: Seat) => Promise<Result<T, MachineReason>>,
) => Promise<Result<T, MachineReason>>;

/** Works in the folders of many paths, of which none is made or taken away meanwhile. */
export async function withFolders<T>(work: (inFolderOf: InFolderOf) => Promise<T>): Promise<T> {
  const folders: Folders = new Map();
  try {
    return await work(async (path, inFolder) => {
      const seat = await openFolderOf(path, folders);
      if (!seat.ok) return seat;
      try {
        return await inFolder(seat.value);
      } catch (error) {
        return reasonOf(error, path);
      }
    });
  } finally {
    for (const folder of folders.values()) await folder.close();
  }
}

/** Works in the folder of a path, and turns what the system says into reasons. */
export const inFolderOf: InFolderOf = (path, work) => withFolders((inFolder) => inFolder(path, work));

import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import {
  chmod,
  type FileHandle,
  lchown,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rmdir,
  symlink,
  unlink,
} from 'node:fs/promises';
import { ok, type Result, refuse } from '../../schema/result.ts';
import {
  isMachinePath,
  type Listing,
  type Machine,
  type MachineReason,
  type Owner,
  type Stat,
} from './machine.ts';
import { reasonOf } from './reasons.ts';
import { runProgram } from './run-program.ts';
import { inFolderOf } from './walk.ts';

const maxDigestedBytes = 64 * 1024 * 1024;
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const newFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** This host as a machine, for a process that may write there. */
export function createHostMachine(name: string): Machine {
  const owners = createOwners();

  /** Opens a regular file without following a link, and without waiting for the other end of a pipe. */
  const withFile = <T>(
    path: string,
    work: (file: FileHandle, size: number) => Promise<Result<T, MachineReason>>,
  ): Promise<Result<T, MachineReason>> =>
    inFolderOf(path, async ({ at }) => {
      const file = await open(at, readFlags);
      try {
        const stat = await file.stat();
        return stat.isFile()
          ? await work(file, stat.size)
          : refuse('not_a_file', `${path} is no regular file`);
      } finally {
        await file.close();
      }
    });

  const setListing = (path: string, { mode, owner }: Listing): Promise<Result<true, MachineReason>> =>
    inFolderOf(path, async ({ at }) => {
      const ids = await owners.find(owner);
      if (!ids.ok) return ids;
      if ((await lstat(at)).isSymbolicLink()) return refuse('symlink', `${path} is a link`);
      // Before the mode: a change of owner takes set-user-id away.
      await lchown(at, ids.value.uid, ids.value.gid);
      await chmod(at, Number.parseInt(mode, 8));
      return ok(true);
    });

  return {
    name,
    run: runProgram,
    read: (path, maxBytes) =>
      withFile(path, async (file, size) => {
        if (size > maxBytes) return refuse('too_large', `${path} has ${size} bytes`);
        const bytes = await readAtMost(file, maxBytes);
        return bytes === null ? refuse('too_large', `${path} grows`) : ok(bytes);
      }),
    write: (path, bytes, { mode, owner }) =>
      inFolderOf(path, async ({ folder, name: own }) => {
        const ids = await owners.find(owner);
        if (!ids.ok) return ids;
        return putWhole(folder, own, async (part) => {
          const file = await open(part, newFlags, 0o600);
          try {
            await file.writeFile(bytes);
            await file.chown(ids.value.uid, ids.value.gid);
            await file.chmod(Number.parseInt(mode, 8));
            await file.sync();
          } finally {
            await file.close();
          }
        });
      }),
    link: (path, to) =>
      inFolderOf(path, async ({ at, folder, name: own }) => {
        if (!isMachinePath(to)) return refuse('bad_path', 'what a link stands for is an absolute path');
        if ((await lstat(at).catch(orMissing))?.isDirectory() === true)
          return refuse('not_a_file', `${path} is a folder`);
        return putWhole(folder, own, (part) => symlink(to, part));
      }),
    makeFolder: async (path, how) => {
      const made = await inFolderOf(path, async ({ at, folder }) => {
        const stat = await lstat(at).catch(() => null);
        if (stat?.isSymbolicLink() === true) return refuse('symlink', `${path} is a link`);
        if (stat !== null && !stat.isDirectory()) return refuse('exists', `${path} is no folder`);
        if (stat === null) {
          await mkdir(at, { mode: 0o700 });
          await folder.sync();
        }
        return ok(true as const);
      });
      return made.ok ? setListing(path, how) : made;
    },
    setListing,
    rename: (from, to) =>
      inFolderOf(from, (source) =>
        inFolderOf(to, async (goal) => {
          const there = await lstat(goal.at).catch(() => null);
          if (there?.isDirectory() === true) return refuse('exists', `${to} is a folder`);
          await rename(source.at, goal.at);
          await goal.folder.sync();
          await source.folder.sync();
          return ok(true);
        }),
      ),
    remove: (path) =>
      inFolderOf(path, async ({ at, folder }) => {
        const stat = await lstat(at).catch(orMissing);
        if (stat === null) return ok(true as const);
        await (stat.isDirectory() ? rmdir(at) : unlink(at));
        await folder.sync();
        return ok(true as const);
      }).then((done) => (!done.ok && done.reason === 'not_found' ? ok(true as const) : done)),
    list: (path, most) =>
      inFolderOf(path, async ({ at }) => {
        const folder = await open(at, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
        try {
          const names = await readdir(`/proc/self/fd/${folder.fd}`);
          return names.length > most
            ? refuse('too_large', `${path} holds ${names.length} names`)
            : ok(names.sort());
        } finally {
          await folder.close();
        }
      }),
    async stat(paths) {
      const found: (Stat | null)[] = [];
      for (const path of paths) {
        const one = await inFolderOf(path, async ({ at }) => ok(await statOf(at)));
        if (!one.ok && one.reason !== 'not_found') return one;
        found.push(one.ok ? one.value : null);
      }
      return ok(found);
    },
    async findOwners(wanted) {
      const found: (Owner | null)[] = [];
      for (const owner of wanted) {
        const ids = await owners.find(owner);
        if (!ids.ok && ids.reason !== 'owner_unknown') return ids;
        found.push(ids.ok ? ids.value : null);
      }
      return ok(found);
    },
    async digest(paths) {
      const found: (string | null)[] = [];
      for (const path of paths) {
        const one = await withFile(path, async (file, size) => {
          const bytes = size > maxDigestedBytes ? null : await readAtMost(file, maxDigestedBytes);
          return ok(bytes === null ? null : `sha256:${createHash('sha256').update(bytes).digest('hex')}`);
        });
        if (!one.ok && !noFile.has(one.reason)) return one;
        found.push(one.ok ? one.value : null);
      }
      return ok(found);
    },
  };
}

/** Makes a file or link under a name of its own and renames it, so that it appears whole or not at all. */
async function putWhole(
  folder: FileHandle,
  name: string,
  make: (part: string) => Promise<void>,
): Promise<Result<true, MachineReason>> {
  const within = `/proc/self/fd/${folder.fd}`;
  const part = `${within}/.${name.slice(0, 200)}.${randomBytes(6).toString('hex')}.writ`;
  try {
    await make(part);
    await rename(part, `${within}/${name}`);
  } catch (error) {
    await unlink(part).catch(() => {});
    throw error;
  }
  await folder.sync();
  return ok(true);
}

const noFile: ReadonlySet<MachineReason> = new Set(['not_found', 'not_a_file', 'symlink', 'not_a_folder']);

const orMissing = (error: NodeJS.ErrnoException): null => {
  if (error.code === 'ENOENT') return null;
  throw error;
};

async function statOf(at: string): Promise<Stat> {
  const stat = await lstat(at);
  return {
    kind: stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'other',
    mode: (stat.mode & 0o7777).toString(8).padStart(4, '0'),
    uid: stat.uid,
    gid: stat.gid,
    size: stat.size,
    ...(stat.isSymbolicLink() && { to: await readlink(at) }),
  };
}

/** The whole file, or null when it has more; a file that grows is not read for ever. */
async function readAtMost(file: FileHandle, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const part = new Uint8Array(64 * 1024);
    const { bytesRead } = await file.read(part, 0, part.length, null);
    if (bytesRead === 0) return new Uint8Array(Buffer.concat(parts));
    size += bytesRead;
    if (size > maxBytes) return null;
    parts.push(part.subarray(0, bytesRead));
  }
}

/** Users and groups of this host by passwd(5) and group(5), read anew each time: a release may have made them. */
function createOwners(): { find(owner: string): Promise<Result<Owner, MachineReason>> } {
  const idOf = async (file: string, name: string): Promise<number | null> => {
    if (/^\d+$/.test(name)) return Number(name);
    const line = (await readFile(file, 'utf8')).split('\n').find((one) => one.startsWith(`${name}:`));
    const id = line?.split(':')[2];
    return id !== undefined && /^\d+$/.test(id) ? Number(id) : null;
  };
  return {
    async find(owner) {
      const [user, group] = owner.split(':');
      if (user === undefined || group === undefined)
        return refuse('owner_unknown', `${owner} is not user:group`);
      try {
        const uid = await idOf('/etc/passwd', user);
        const gid = await idOf('/etc/group', group);
        if (uid !== null && gid !== null) return ok({ uid, gid });
        return refuse(
          'owner_unknown',
          `this machine has no ${uid === null ? `user ${user}` : `group ${group}`}`,
        );
      } catch (error) {
        return reasonOf(error, '/etc/passwd');
      }
    },
  };
}

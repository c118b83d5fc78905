import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs';
import {
  chmod,
  chown,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rmdir,
  symlink,
  unlink,
} from 'node:fs/promises';
import { ok, type Result, refuse } from '../../schema/result.ts';
import {
  type Change,
  isMachinePath,
  type Listing,
  type Machine,
  type MachineReason,
  type MachineResult,
  type Owner,
  type Sight,
  type Stat,
} from './machine.ts';
import { createOwners } from './owners.ts';
import { runProgram } from './run-program.ts';
import { askUnits } from './systemd-bus.ts';
import { type InFolderOf, inFolderOf, withFolders } from './walk.ts';

const maxDigestedBytes = 64 * 1024 * 1024;
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** O_PATH, which Node does not name: a file of whatever kind, which is not opened itself (open(2)). */
const pinFlags = 0o10000000 | constants.O_NOFOLLOW;
const newFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** This host as a machine, for a process that may write there. */
export function createHostMachine(name: string): Machine {
  const owners = createOwners();

  const setListing = (path: string, { mode, owner }: Listing): Promise<Result<true, MachineReason>> =>
    inFolderOf(path, async ({ at }) => {
      const ids = await owners.find(owner);
      if (!ids.ok) return ids;
      // Whoever owns the folder may put a link there at any moment: what was looked at is what is changed.
      const pin = await open(at, pinFlags);
      try {
        if ((await pin.stat()).isSymbolicLink()) return refuse('symlink', `${path} is a link`);
        const pinned = `/proc/self/fd/${pin.fd}`;
        // Before the mode: a change of owner takes set-user-id away.
        await chown(pinned, ids.value.uid, ids.value.gid);
        await chmod(pinned, Number.parseInt(mode, 8));
      } finally {
        await pin.close();
      }
      return ok(true);
    });

  const write: Machine['write'] = (path, bytes, { mode, owner }) =>
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
    });

  const link = (path: string, to: string): Promise<MachineResult<true>> =>
    inFolderOf(path, async ({ at, folder, name: own }) => {
      if (!isMachinePath(to)) return refuse('bad_path', 'what a link stands for is an absolute path');
      if ((await lstat(at).catch(orMissing))?.isDirectory() === true)
        return refuse('not_a_file', `${path} is a folder`);
      return putWhole(folder, own, (part) => symlink(to, part));
    });

  const makeFolder: Machine['makeFolder'] = async (path, how) => {
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
  };

  const remove: Machine['remove'] = (path) =>
    inFolderOf(path, async ({ at, folder }) => {
      const stat = await lstat(at).catch(orMissing);
      if (stat === null) return ok(true as const);
      await (stat.isDirectory() ? rmdir(at) : unlink(at));
      await folder.sync();
      return ok(true as const);
    }).then((done) => (!done.ok && done.reason === 'not_found' ? ok(true as const) : done));

  const read: Machine['read'] = (path, maxBytes) => readIn(inFolderOf, path, maxBytes);

  const change = async (step: Change): Promise<MachineResult<true>> => {
    switch (step.do) {
      case 'folder':
        return makeFolder(step.path, step);
      case 'listing':
        return setListing(step.path, step);
      case 'copy': {
        const bytes = await read(step.from, maxDigestedBytes);
        return bytes.ok ? write(step.path, bytes.value, step) : bytes;
      }
      case 'link':
        return link(step.path, step.to);
      case 'remove': {
        const gone = await remove(step.path);
        return gone.ok || gone.reason === 'not_empty' ? ok(true) : gone;
      }
    }
  };

  const findOwners: Machine['findOwners'] = async (wanted) => {
    const found: (Owner | null)[] = [];
    for (const owner of wanted) {
      const ids = await owners.find(owner);
      if (!ids.ok && ids.reason !== 'owner_unknown') return ids;
      found.push(ids.ok ? ids.value : null);
    }
    return ok(found);
  };

  return {
    name,
    run: runProgram,
    read,
    write,
    makeFolder,
    setListing,
    remove,
    findOwners,
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
    stat: (paths) =>
      withFolders(async (inFolder) => {
        const found: (Stat | null)[] = [];
        for (const path of paths) {
          const one = await statIn(inFolder, path);
          if (!one.ok && one.reason !== 'not_found') return one;
          found.push(one.ok ? one.value : null);
        }
        return ok(found);
      }),
    digest: (paths) =>
      withFolders(async (inFolder) => {
        const found: (string | null)[] = [];
        for (const path of paths) {
          const one = await digestIn(inFolder, path);
          if (!one.ok) return one;
          found.push(one.value);
        }
        return ok(found);
      }),
    look: (at) =>
      withFolders(async (inFolder) => {
        const files: (Uint8Array<ArrayBuffer> | null)[] = [];
        let left = at.maxBytes;
        for (const path of at.read) {
          const one = await readIn(inFolder, path, left);
          if (!one.ok && !noFile.has(one.reason)) return one;
          files.push(one.ok ? one.value : null);
          left -= one.ok ? one.value.length : 0;
        }
        const paths: Sight[] = [];
        for (const path of at.paths) {
          const sight = await inFolder(path, async ({ at }) => ok(sightOf(at)));
          if (!sight.ok && !noFile.has(sight.reason)) return sight;
          paths.push(sight.ok ? sight.value : { stat: null, digest: null });
        }
        const ids = await findOwners(at.owners);
        if (!ids.ok) return ids;
        const units = await askUnits(at.units);
        return units.ok ? ok({ read: files, paths, owners: ids.value, units: units.value }) : units;
      }),
    async writeAll(files) {
      for (const { path, bytes, ...how } of files) {
        const done = await write(path, bytes, how);
        if (!done.ok) return done;
      }
      return ok(true);
    },
    async change(steps) {
      for (const step of steps) {
        const done = await change(step);
        if (!done.ok) return done;
      }
      return ok(true);
    },
  };
}

/** Makes a file or link under a name of its own and renames it, so that it appears whole or not at all. */
async function putWhole(
  folder: FileHandle,
  name: string,
  make: (part: string) => Promise<void>,
): Promise<MachineResult<true>> {
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

/** Opens a regular file without following a link, and without waiting for the other end of a pipe. */
const withFile = <T>(
  inFolder: InFolderOf,
  path: string,
  work: (file: FileHandle, size: number) => Promise<MachineResult<T>>,
): Promise<MachineResult<T>> =>
  inFolder(path, async ({ at }) => {
    const file = await open(at, readFlags);
    try {
      const stat = await file.stat();
      return stat.isFile() ? await work(file, stat.size) : refuse('not_a_file', `${path} is no regular file`);
    } finally {
      await file.close();
    }
  });

const readIn = (
  inFolder: InFolderOf,
  path: string,
  maxBytes: number,
): Promise<MachineResult<Uint8Array<ArrayBuffer>>> =>
  withFile(inFolder, path, async (file, size) => {
    if (size > maxBytes) return refuse('too_large', `${path} has ${size} bytes`);
    const bytes = await readAtMost(file, maxBytes);
    return bytes === null ? refuse('too_large', `${path} grows`) : ok(bytes);
  });

const statIn = (inFolder: InFolderOf, path: string): Promise<MachineResult<Stat>> =>
  inFolder(path, async ({ at }) => ok(withLink(at, statOf(await lstat(at)))));

/** Null where there is no regular file that is small enough. */
async function digestIn(inFolder: InFolderOf, path: string): Promise<MachineResult<string | null>> {
  const one = await readIn(inFolder, path, maxDigestedBytes);
  if (one.ok) return ok(`sha256:${createHash('sha256').update(one.value).digest('hex')}`);
  return one.reason === 'too_large' || noFile.has(one.reason) ? ok(null) : one;
}

const noFile: ReadonlySet<MachineReason> = new Set(['not_found', 'not_a_file', 'symlink', 'not_a_folder']);

const orMissing = (error: NodeJS.ErrnoException): null => {
  if (error.code === 'ENOENT') return null;
  throw error;
};

/**
 * What is at a path, in one go: a look at a whole machine would take several times as long if each of its many small
 * steps went by way of another thread.
 */
function sightOf(at: string): Sight {
  const stat = lstatSync(at, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile())
    return { stat: stat ? withLink(at, statOf(stat)) : null, digest: null };
  const file = openSync(at, readFlags);
  try {
    const opened = fstatSync(file);
    if (!opened.isFile() || opened.size > maxDigestedBytes) return { stat: statOf(opened), digest: null };
    // One byte more than it has: a file that grows is not what was looked at.
    const bytes = Buffer.alloc(opened.size + 1);
    let size = 0;
    for (let read = -1; read !== 0 && size < bytes.length; size += read) {
      read = readSync(file, bytes, size, bytes.length - size, null);
    }
    const digest = createHash('sha256').update(bytes.subarray(0, size)).digest('hex');
    return { stat: statOf(opened), digest: size > opened.size ? null : `sha256:${digest}` };
  } finally {
    closeSync(file);
  }
}

const statOf = (stat: Stats): Stat => ({
  kind: stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'other',
  mode: (stat.mode & 0o7777).toString(8).padStart(4, '0'),
  uid: stat.uid,
  gid: stat.gid,
  size: stat.size,
});

const withLink = (at: string, stat: Stat): Stat =>
  stat.kind === 'link' ? { ...stat, to: readlinkSync(at) } : stat;

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

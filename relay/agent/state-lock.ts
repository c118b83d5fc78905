import { randomBytes } from 'node:crypto';
import { chmod, lchown, link, lstat, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { ok, type Result, refuse } from '../../schema/result.ts';

const fileName = 'lock';
/** Beyond this, the address of a socket has no room for a path (unix(7)). */
const maxPathBytes = 100;
const maxTries = 5;
/** Of these the folder is not to be written at the moment, which the relay is to start with, and say. */
const unwritable: ReadonlySet<string> = new Set(['EROFS', 'ENOSPC', 'EDQUOT', 'EACCES', 'EPERM']);

type Lock = { release(): Promise<void> };
type LockRefusal = 'state_in_use' | 'state_unreadable';

/**
 * Makes sure that one process alone uses a folder of state: by a socket in it, where nobody else on the machine can
 * make one. While its process lives it answers, however that ends; what a dead one left is cleared away.
 */
export async function lockState(folder: string): Promise<Result<Lock, LockRefusal>> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const handle = await open(folder, 'r');
    const direct = join(folder, fileName);
    // A short name of the same place.
    const path = Buffer.byteLength(direct) > maxPathBytes ? `/proc/self/fd/${handle.fd}/${fileName}` : direct;
    const taken = await take(folder, path);
    if (!taken.ok) {
      await handle.close();
      return taken;
    }
    const server = taken.value;
    server.unref();
    return ok({
      release: async () => {
        await new Promise((resolve) => server.close(resolve));
        await handle.close();
      },
    });
  } catch (error) {
    return refuse('state_unreadable', codeOf(error));
  }
}

const inUse = () => refuse<LockRefusal>('state_in_use', 'another process uses this folder');

async function take(folder: string, path: string): Promise<Result<Server, LockRefusal>> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const held = await listen(path);
    if (typeof held !== 'string') {
      await giveToOwner(folder, path);
      return ok(held);
    }
    if (unwritable.has(held)) return takeName(folder);
    if (held !== 'EADDRINUSE') return refuse('state_unreadable', held);
    if (!(await clear(path))) return inUse();
  }
  return inUse();
}

/** Takes away the socket of a process that is gone. False: somebody answers at it. */
async function clear(path: string): Promise<boolean> {
  if (await answers(path)) return false;
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch (error) {
    // Another who starts has done so already.
    if (codeOf(error) === 'ENOENT') return true;
    throw error;
  }
  // It may have put its own there since: that goes back to its place.
  const isLive = await answers(aside);
  if (isLive) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
  return !isLive;
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // Only a socket that nobody listens at refuses so (connect(2)).
    socket.once('error', (error) => resolve(!['ECONNREFUSED', 'ENOENT'].includes(codeOf(error))));
  });

/** A listening server, or why there is none. */
const listen = (path: string): Promise<Server | string> =>
  new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => resolve(codeOf(error)));
    server.listen(path, () => resolve(server));
  });

/** Root at its console sets the relay up, which runs as a user of its own. */
async function giveToOwner(folder: string, path: string): Promise<void> {
  await chmod(path, 0o600);
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = await stat(folder);
  const made = await lstat(path);
  if (made.uid !== uid || made.gid !== gid) await lchown(path, uid, gid);
}

/**
 * The same by a name in Linux's abstract namespace. Any local user can take that, but a folder that cannot be written
 * has no room for a socket.
 */
async function takeName(folder: string): Promise<Result<Server, LockRefusal>> {
  const { dev, ino } = await stat(folder);
  const held = await listen(`\0writ-relay/${dev}/${ino}`);
  return typeof held === 'string' ? inUse() : ok(held);
}

const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException).code);

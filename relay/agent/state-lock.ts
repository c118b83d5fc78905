import { mkdir, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { ok, type Result, refuse } from '../../schema/result.ts';

/**
 * Makes sure that one process alone uses a folder of state. The kernel gives the lock back when the process
 * ends, however it ends: it is a socket in Linux's abstract namespace, named by the folder's device and inode.
 */
export async function lockState(
  folder: string,
): Promise<Result<{ release(): Promise<void> }, 'state_in_use' | 'state_unreadable'>> {
  let name: string;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { dev, ino } = await stat(folder);
    name = `\0writ-relay/${dev}/${ino}`;
  } catch (error) {
    return refuse('state_unreadable', (error as NodeJS.ErrnoException).code);
  }
  const server = createServer((socket) => socket.destroy());
  const held = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(name, () => resolve(true));
  });
  if (!held) return refuse('state_in_use', 'another process uses this folder');
  server.unref();
  return ok({ release: () => new Promise((resolve) => server.close(() => resolve())) });
}

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** TCP ports on which processes listen whose command line names a folder, by what the kernel says (proc_pid_fd(5)). */
export function portsOf(folder: string): readonly number[] {
  const sockets = new Set(processesOf(folder).flatMap(socketsOf));
  return ['tcp', 'tcp6'].flatMap((table) =>
    textOf(`/proc/net/${table}`)
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        // sl, local address, remote address, state, … and the inode as the tenth.
        const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
        const isOurs = state === '0A' && inode !== undefined && sockets.has(inode);
        return isOurs ? [Number.parseInt(local!.split(':').at(-1)!, 16)] : [];
      }),
  );
}

const processesOf = (folder: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => textOf(`/proc/${pid}/cmdline`).split('\0').includes(folder));

function socketsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? [];
      return inode === undefined ? [] : [inode];
    });
  } catch {
    // It ended meanwhile, or closed what was just listed.
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

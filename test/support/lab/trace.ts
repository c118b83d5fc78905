import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const whyNoTrace = (): string | null =>
  spawnSync('which', ['strace']).status === 0
    ? null
    : 'strace, for what passes through the processes of a guest';

/** This process and every systemd that it has started, as this machine numbers them. */
function roots(): number[] {
  const childrenOf = (pid: number): number[] => {
    try {
      return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
        .trim()
        .split(' ')
        .filter(Boolean)
        .map(Number);
    } catch {
      return [];
    }
  };
  const found = [process.pid];
  for (const pid of found) found.push(...childrenOf(pid));
  return found.filter(
    (pid) => pid === process.pid || readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'systemd',
  );
}

/**
 * Watches every program that this process and its guests start, and every byte that any of them writes, until the end.
 *
 * @returns ends it, and gives the lines of strace that hold one of the words: the programs' arguments, and what was
 * written with where to
 */
export async function traceAll(): Promise<
  (words: readonly string[]) => Promise<{ lines: string[]; seen: number }>
> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-trace-'));
  const file = join(folder, 'trace');
  const calls = 'execve,execveat,write,writev,pwrite64,sendto,sendmsg';
  const child = spawn('strace', [
    ...['-f', '-qq', '-y', '-s', '65536', '-o', file, '-e', `trace=${calls}`, '-e', 'signal=none'],
    ...roots().flatMap((pid) => ['-p', String(pid)]),
  ]);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'exit');
  // It says nothing once it is attached: a call of ours that it has seen does.
  const until = Date.now() + 20_000;
  while (!readIfThere(file).includes('writ-trace-begins')) {
    if (Date.now() > until) throw new Error(`strace does not attach: ${said}`);
    spawnSync('true', ['writ-trace-begins']);
  }
  return async (words) => {
    child.kill('SIGINT');
    await ended;
    if (words.length === 0) return { lines: [], seen: 0 };
    const lines: string[] = [];
    let seen = 0;
    for await (const line of createInterface({ input: createReadStream(file) })) {
      seen += 1;
      if (words.some((word) => line.includes(word))) lines.push(line);
    }
    rmSync(folder, { recursive: true });
    return { lines, seen };
  };
}

const readIfThere = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

export type LineChild = {
  readonly process: ChildProcess;
  /** The next line of its output; rejects when it ends or takes longer than the deadline. */
  readonly nextLine: () => Promise<string>;
  readonly send: (line: string) => void;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
};

const deadlineMs = 20_000;

/** Starts a program of this folder in a process of its own; killed after the test if it still runs. */
export function startChild(t: TestContext, name: string, args: readonly string[]): LineChild {
  const file = fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close').then(() => undefined);
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  // A child that is killed while we write to it is no error of the test.
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    ended,
    send: (line) => void child.stdin.write(`${line}\n`),
    nextLine: async () => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${name} said nothing in ${deadlineMs} ms`)), deadlineMs);
      });
      try {
        const next = await Promise.race([lines.next(), late]);
        if (next.done === true) throw new Error(`${name} ended`);
        return next.value;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

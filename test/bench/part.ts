import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program of the bench in a process of its own: it says one line when it is ready, and ends with its input. */
export type Part = {
  readonly pid: number;
  /** Its first line. */
  readonly ready: string;
  stop(): Promise<void>;
};

const stopMs = 10_000;

/**
 * Starts a TypeScript file of this folder, or another program.
 *
 * @param options.under words to be put before the command line, such as a tracer
 * @param options.input what it is told first
 */
export async function startPart(
  file: string,
  args: readonly string[],
  options: { readonly under?: readonly string[]; readonly input?: string } = {},
): Promise<Part> {
  const words = [...(options.under ?? []), process.execPath, file, ...args];
  const child = spawn(words[0]!, words.slice(1), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (options.input !== undefined) child.stdin.write(options.input);
  const lines = createInterface({ input: child.stdout });
  const ready = await Promise.race([
    once(lines, 'line').then(([line]) => String(line)),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`${file} ended at once (${code})`))),
  ]);
  lines.on('line', () => {});
  return { pid: child.pid!, ready, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.stdin?.end();
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs);
  await gone;
  clearTimeout(timer);
}

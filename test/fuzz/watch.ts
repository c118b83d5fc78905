import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fault, Fuzzed } from './engine.ts';

/** A reader that allocates without end is told by this; what makes the inputs takes some hundred MB at times. */
const maxHeapMb = 1024;
/** One input at work for so long hangs: far above what is called slow, as the machine may be busy. */
const longestMs = 20_000;
const startMs = 180_000;

/** The input that was at work, by the file that a child writes before each. */
function lastInput(file: string): { number: number; input: Buffer } {
  let bytes = Buffer.alloc(0);
  try {
    bytes = readFileSync(file);
  } catch {
    // It did not begin.
  }
  if (bytes.length < 16) return { number: 0, input: Buffer.alloc(0) };
  return { number: bytes.readUIntBE(0, 6), input: bytes.subarray(16, 16 + bytes.readUInt32BE(8)) };
}

/** Fuzzes a target in a process of its own, with little memory, and ends it when an input hangs. */
export function fuzzInChild(
  target: string,
  options: {
    readonly seed: number;
    readonly seconds: number;
    readonly child?: string;
    readonly hangMs?: number;
  },
): Promise<Fuzzed> {
  const { seed, seconds, child = './child.ts', hangMs = longestMs } = options;
  const folder = mkdtempSync(join(tmpdir(), 'writ-fuzz-'));
  const file = join(folder, 'input');
  return new Promise((resolve) => {
    const running = fork(new URL(child, import.meta.url), [target, String(seed), String(seconds), file], {
      execArgv: ['--disable-warning=ExperimentalWarning', '--expose-gc', `--max-old-space-size=${maxHeapMb}`],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let said = '';
    for (const stream of [running.stdout!, running.stderr!]) {
      stream.on('data', (chunk) => {
        said = `${said}${chunk}`.slice(-4000);
      });
    }
    let seen = { number: -1, at: performance.now() };
    let done: Fuzzed | null = null;
    let hung = false;
    const limitMs = (number: number): number => (number === 0 ? startMs : hangMs);
    const watch = setInterval(() => {
      const { number } = lastInput(file);
      if (number !== seen.number) seen = { number, at: performance.now() };
      hung = performance.now() - seen.at > limitMs(number);
      if (hung) running.kill('SIGKILL');
    }, 500);
    running.on('message', (message) => {
      const told = message as Fuzzed & { fault: (Omit<Fault, 'input'> & { input: string | null }) | null };
      const input = told.fault?.input == null ? null : Buffer.from(told.fault.input, 'base64');
      done = { ...told, fault: told.fault === null ? null : { ...told.fault, input } };
    });
    running.once('close', (code, signal) => {
      clearInterval(watch);
      const { number, input } = lastInput(file);
      rmSync(folder, { recursive: true });
      const detail = hung
        ? `nothing came of it in ${limitMs(number) / 1000} s`
        : `${signal ?? `exit code ${code}`}\n${said}`;
      const fault: Fault = { kind: hung ? 'hung' : 'died', detail, input };
      resolve(done ?? { target, seed, inputs: number, kept: 0, reached: 0, grownBytes: 0, fault });
    });
  });
}

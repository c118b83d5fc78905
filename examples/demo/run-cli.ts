import { spawn } from 'node:child_process';

export type Ran = { readonly exit: number; readonly out: string; readonly err: string };

const maxOutputBytes = 4 * 1024 * 1024;

/** Runs a program of this repository to its end, as a person would at a console. Kills it after `withinMs`. */
export function runProgram(
  file: string,
  args: readonly string[],
  options: {
    readonly withinMs?: number;
    readonly env?: Readonly<Record<string, string>>;
    /** Given on standard input: secrets do not belong into lists of processes. */
    readonly input?: string;
  } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      timeout: options.withinMs ?? 60_000,
      killSignal: 'SIGKILL',
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (out.length < maxOutputBytes) out += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      if (err.length < maxOutputBytes) err += chunk;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (signal !== null) reject(new Error(`${args[0]} was ended by ${signal}: ${err || out}`));
      else resolve({ exit: code ?? 1, out, err });
    });
  });
}

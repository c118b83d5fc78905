import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { ok, refuse } from '../../schema/result.ts';
import type { MachineResult, Ran, RunOptions } from './machine.ts';

const plainEnv = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
};
const signalBase = 128;
const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};

/** Runs a program of this host by its argv: `Machine.run`. */
export function runProgram(
  [program, ...args]: readonly [string, ...string[]],
  { stdin, env, timeoutMs, maxBytes, signal }: RunOptions,
): Promise<MachineResult<Ran>> {
  if (signal?.aborted === true) return Promise.resolve(refuse('aborted'));
  return new Promise((resolve) => {
    let child: ChildProcessWithoutNullStreams;
    try {
      // A group of its own, so that what it has started ends with it.
      child = spawn(program, args, {
        cwd: '/',
        env: { ...plainEnv, ...env },
        detached: true,
        stdio: 'pipe',
      });
    } catch (error) {
      // Words that are too long in all (execve(2)) are the one failure of the system that is thrown.
      if ((error as NodeJS.ErrnoException).code !== 'E2BIG') throw error;
      return resolve(refuse('machine_error', `${program} cannot be run (E2BIG)`));
    }
    let cause: 'timeout' | 'aborted' | 'too_large' | null = null;
    const end = (why: NonNullable<typeof cause>): void => {
      cause ??= why;
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    };
    const timer = setTimeout(() => end('timeout'), timeoutMs);
    const onAbort = (): void => end('aborted');
    signal?.addEventListener('abort', onAbort, { once: true });
    const collect = (stream: NodeJS.ReadableStream): (() => Uint8Array<ArrayBuffer>) => {
      const parts: Buffer[] = [];
      let size = 0;
      stream.on('data', (part: Buffer) => {
        size += part.length;
        if (size > maxBytes) end('too_large');
        else parts.push(part);
      });
      return () => new Uint8Array(Buffer.concat(parts));
    };
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    const finish = (result: MachineResult<Ran>): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(result);
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      finish(
        error.code === 'ENOENT' || error.code === 'EACCES'
          ? refuse('program_missing', `${program} cannot be run (${error.code})`)
          : refuse('machine_error', `${program} cannot be run (${error.code})`),
      );
    });
    child.once('close', (code, endedBy) => {
      if (cause !== null) return finish(refuse(cause, program));
      const exit = code ?? signalBase + (signalNumbers[endedBy ?? ''] ?? 0);
      finish(ok({ code: exit, stdout: stdout(), stderr: stderr() }));
    });
    // A program need not read what it is given.
    child.stdin.on('error', () => {});
    child.stdin.end(stdin ?? new Uint8Array());
  });
}

import { randomBytes } from 'node:crypto';
import { ok, type Result } from '../../schema/result.ts';
import type { MachineReason, Ran } from '../machine/machine.ts';
import type { Exec } from '../machine/remote-machine.ts';
import { runProgram } from '../machine/run-program.ts';

/** Runs a program of this host as a child of somebody else, so that the helper's own confinement is not on it. */
export type Outside = (
  argv: readonly string[],
  options: {
    readonly stdin: Uint8Array;
    readonly timeoutMs: number;
    readonly maxBytes: number;
    readonly signal?: AbortSignal;
  },
) => Promise<Result<Ran, MachineReason>>;

/** Names of the units in which programs run; a helper that starts after a crash ends those that are left. */
const unitPrefix = 'writ-relay-act-run-';
const graceS = 30;
const askMs = 60_000;
const shortBytes = 64 * 1024;

/**
 * Asks systemd to run a program in a unit of its own (systemd-run(1)): what speaks to the network, mounts, or enters a
 * container cannot do so under the helper's confinement, which children inherit.
 */
export const runInUnit: Outside = async (argv, { stdin, timeoutMs, maxBytes, signal }) => {
  const unit = `${unitPrefix}${randomBytes(8).toString('hex')}.service`;
  const ran = await runProgram(
    [
      'systemd-run',
      ...['--quiet', '--wait', '--pipe', '--collect', '--service-type=exec', `--unit=${unit}`],
      // Each start and end of one would be a line in the host's log.
      '--property=LogLevelMax=notice',
      `--property=RuntimeMaxSec=${Math.ceil(timeoutMs / 1000) + graceS}`,
      '--',
      // In a unit's command `$` stands for a variable, and `$$` for itself (systemd.service(5)).
      ...argv.map((word) => word.replaceAll('$', '$$$$')),
    ],
    { stdin, timeoutMs, maxBytes, ...(signal && { signal }) },
  );
  // Ending systemd-run ends nothing but the wait.
  if (!ran.ok) await systemctl('kill', '--signal=SIGKILL', unit);
  return ran;
};

/** Ends programs that a helper which was killed has left behind, and waits for their end. */
export const endLeftPrograms = (): Promise<unknown> => systemctl('stop', `${unitPrefix}*.service`);

const systemctl = (...words: string[]) =>
  runProgram(['systemctl', '--quiet', ...words], { timeoutMs: askMs, maxBytes: shortBytes });

/** A pipe takes any number; a program's memory should not. */
const maxStdin = 2 * 1024 * 1024;
const maxStdout = 8 * 1024 * 1024;

/** Runs programs as this host's root, outside. */
export const createOutsideExec = (outside: Outside): Exec => ({
  maxStdin,
  maxStdout,
  async run(argv, { stdin, timeoutMs, signal }) {
    const ran = await outside(argv, {
      stdin: Buffer.from(stdin),
      timeoutMs,
      maxBytes: maxStdout,
      ...(signal && { signal }),
    });
    if (!ran.ok) return ran;
    const { code, stdout, stderr } = ran.value;
    return ok({ code, stdout: Buffer.from(stdout).toString(), stderr: Buffer.from(stderr).toString() });
  },
});

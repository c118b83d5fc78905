import { ok, type Result, refuse } from '../../schema/result.ts';
import type { Machine, MachineReason } from '../machine/machine.ts';

const timeoutMs = 60_000;
const maxBytes = 1024 * 1024;

/** Where something is mounted on a machine (proc_pid_mountinfo(5)), by programs that run there as root. */
export async function findMounts(machine: Machine): Promise<Result<readonly string[], MachineReason>> {
  const ran = await machine.run(['cat', '/proc/self/mountinfo'], { timeoutMs, maxBytes });
  if (!ran.ok) return ran;
  const { code, stdout, stderr } = ran.value;
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
  if (code !== 0) return refuse('machine_error', `cat: ${text(stderr).trim().slice(0, 300)}`);
  return ok(text(stdout).split('\n').slice(0, -1).map(placeOf));
}

/** The fifth word, in which a space, tab, line break and backslash are written in octal. */
const placeOf = (line: string): string =>
  Buffer.from(
    (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    ),
    'latin1',
  ).toString();

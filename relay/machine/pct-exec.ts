import { ok, refuse } from '../../schema/result.ts';
import type { Machine } from './machine.ts';
import type { Exec } from './remote-machine.ts';

/** Nothing is between but a pipe. */
const maxStdin = 1024 * 1024;
const maxStdout = 4 * 1024 * 1024;

/**
 * Runs programs in an LXC container of this host, as root there: `pct exec` of Proxmox VE (pct(1)), for a process that is
 * root here.
 *
 * @param run of this host
 */
export function createPctExec(run: Machine['run'], vmid: number, program = '/usr/sbin/pct'): Exec {
  return {
    maxStdin,
    maxStdout,
    async run(argv, { stdin, timeoutMs, signal }) {
      const ran = await run([program, 'exec', String(vmid), '--', ...argv], {
        stdin: new TextEncoder().encode(stdin),
        timeoutMs,
        maxBytes: maxStdout,
        ...(signal && { signal }),
      });
      if (!ran.ok) return ran;
      const { code, stdout, stderr } = ran.value;
      const said = Buffer.from(stderr).toString();
      // pct's own failures and the program's have the same codes.
      if (code !== 0 && /^(Configuration file .* does not exist|container '?\d+'? not running)/m.test(said)) {
        return refuse('unreachable', said.trim().slice(0, 300));
      }
      return ok({ code, stdout: Buffer.from(stdout).toString(), stderr: said });
    },
  };
}

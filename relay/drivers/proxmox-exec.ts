import { ok, refuse } from '../../schema/result.ts';
import type { MachineReason, MachineResult } from '../machine/machine.ts';
import type { Exec } from '../machine/remote-machine.ts';
import type { DriverClock } from './clock.ts';
import { endIsUnknown, type ProxmoxFailure } from './proxmox-errors.ts';
import { type GuestRef, guestPath } from './proxmox-guests.ts';
import type { ProxmoxHttp } from './proxmox-http.ts';
import { agentExecShape, agentExecStatusShape } from './proxmox-shapes.ts';

/**
 * `input-data` of agent/exec takes 65,536 characters (Proxmox VE's API schema), and servers before
 * libpve-http-server-perl 5.2.1 as many bytes of the whole body: there must be room for the program beside it.
 */
const maxStdin = 48_000;
/** The agent keeps 16 MiB of what a program prints; an answer is JSON, which may double it. */
const maxStdout = 4 * 1024 * 1024;
const maxAnswerBytes = 16 * 1024 * 1024;
const callMs = 35_000;
/** The first look comes soon, because most programs end at once. */
const looksMs = [20, 50, 100, 200] as const;
const lookEveryMs = 500;

/** Runs programs in a QEMU guest through its agent, as root there: `agent/exec`, and `agent/exec-status` until it has ended. */
export function createAgentExec(http: ProxmoxHttp, node: string, guest: GuestRef, clock: DriverClock): Exec {
  const path = `${guestPath(node, guest)}/agent`;
  return {
    maxStdin,
    maxStdout,
    async run(argv, { stdin, timeoutMs, signal }) {
      const until = clock.monotonicMs() + timeoutMs;
      const started = await http({
        method: 'POST',
        path: `${path}/exec`,
        params: { command: argv, ...(stdin !== '' && { 'input-data': stdin }) },
        shape: agentExecShape,
        timeoutMs: callMs,
        signal,
      });
      if (!started.ok) return failed(started);
      for (let look = 0; ; look += 1) {
        const shown = await http({
          method: 'GET',
          path: `${path}/exec-status`,
          params: { pid: started.value.pid },
          shape: agentExecStatusShape,
          timeoutMs: callMs,
          maxBytes: maxAnswerBytes,
          signal,
        });
        // It has begun: what came of it is not known, whatever the reason.
        if (!shown.ok) return refuse('unreachable', `${shown.reason}: ${shown.detail}`);
        const { exited, exitcode, signal: endedBy, ...said } = shown.value;
        if (exited) {
          if (said['out-truncated']) return refuse('too_large', `${argv[0]} printed too much`);
          const code = exitcode ?? 128 + (endedBy ?? 0);
          return ok({ code, stdout: said['out-data'], stderr: said['err-data'] });
        }
        if (signal?.aborted === true) return refuse('aborted', argv[0]);
        if (clock.monotonicMs() > until) return refuse('timeout', argv[0]);
        await clock.sleep(looksMs[look] ?? lookEveryMs, signal);
      }
    },
  };
}

const reasons: Partial<Record<ProxmoxFailure['reason'], MachineReason>> = {
  forbidden: 'not_permitted',
  unauthorized: 'not_permitted',
  aborted: 'aborted',
};

function failed(failure: ProxmoxFailure): MachineResult<never> {
  const reason = endIsUnknown(failure) ? 'unreachable' : (reasons[failure.reason] ?? 'unreachable');
  return refuse(reason, `${failure.reason}: ${failure.detail}`);
}

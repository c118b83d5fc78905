import type { ExecEnd } from './options.ts';
import { apiError, type Route } from './route.ts';
import { agentOf, qemu } from './routes-qemu.ts';

const unrestricted = { on: '/vms/{vmid}', anyOf: ['VM.GuestAgent.Unrestricted'] };
const anyText = /^[\s\S]*$/;

/** Programs that agents were told to run: an end is kept until it is asked for, once. */
const running = new Map<string, ExecEnd | null>();
let pids = 1_000;

/** What runs in a guest by its agent, as `PVE::API2::Qemu::Agent` has it. */
export const agentExecRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: qemu('/agent/exec'),
    needs: unrestricted,
    params: { command: anyText, 'input-data': /^[\s\S]{0,65536}$/ },
    required: ['command'],
    lists: ['command'],
    handle: async (context) => {
      const guest = await agentOf(context);
      const { exec } = guest.spec.agent!;
      const argv = context.lists.command ?? [];
      if (exec === undefined) {
        throw apiError(
          500,
          `Agent error: Failed to execute child process “${argv[0]}” (No such file or directory)\n`,
        );
      }
      pids += 1;
      const key = `${guest.spec.vmid}/${pids}`;
      running.set(key, null);
      // An agent that goes remembers nothing when it is back.
      void exec(argv, context.params['input-data'] ?? '').then(
        (end) => running.set(key, end),
        () => running.delete(key),
      );
      return { pid: pids };
    },
  },
  {
    method: 'GET',
    path: qemu('/agent/exec-status'),
    needs: unrestricted,
    params: { pid: /^\d+$/ },
    required: ['pid'],
    handle: async (context) => {
      const guest = await agentOf(context);
      const key = `${guest.spec.vmid}/${context.params.pid}`;
      const end = running.get(key);
      if (end === undefined) throw apiError(500, `Agent error: PID ${context.params.pid} does not exist\n`);
      if (end === null) return { exited: 0 };
      running.delete(key);
      return {
        exited: 1,
        exitcode: end.code,
        ...(end.stdout !== '' && { 'out-data': end.stdout }),
        ...(end.stderr !== '' && { 'err-data': end.stderr }),
      };
    },
  },
];

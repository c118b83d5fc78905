import type { Guest } from './guests.ts';
import {
  apiError,
  audit,
  flag,
  fork,
  guestOf,
  isOn,
  listOf,
  power,
  type Route,
  type RouteContext,
  seconds,
} from './route.ts';

export const qemu = (call: string) => `/nodes/{node}/qemu/{vmid}${call}`;

const qemuAgent = { on: '/vms/{vmid}', anyOf: ['VM.GuestAgent.Audit', 'VM.GuestAgent.Unrestricted'] };

/** The guest of a QEMU call that looks at the running process first, with that check's own sentence. */
function qemuOrDie({ machine, path }: RouteContext): Guest {
  const guest = machine.guests.find('qemu', Number(path.vmid));
  if (guest !== undefined) return guest;
  throw apiError(500, `unable to find configuration file for VM ${path.vmid} on node '${machine.node}'\n`);
}

/** The guest of a call that its agent answers, or the server's words why it does not. */
export async function agentOf(context: RouteContext): Promise<Guest> {
  const guest = guestOf(context, 'qemu');
  const { machine } = context;
  if (guest.spec.agent === undefined) throw apiError(500, 'No QEMU guest agent configured\n');
  if (!guest.running) throw apiError(500, `VM ${guest.spec.vmid} is not running\n`);
  const endsAt = machine.now() + machine.agentWaitMs;
  const leftMs = Math.min(guest.agentFrom, endsAt) - machine.now();
  if (!machine.guests.agentAnswers(guest) && leftMs > 0) await machine.wait(leftMs);
  if (!machine.guests.agentAnswers(guest)) throw apiError(500, 'QEMU guest agent is not running\n');
  return guest;
}

/** VMs, as `PVE::API2::Qemu` has them. */
export const qemuRoutes: readonly Route[] = [
  { method: 'GET', path: '/nodes/{node}/qemu', params: { full: flag }, handle: listOf('qemu') },
  {
    method: 'GET',
    path: qemu('/status/current'),
    needs: audit,
    handle(context) {
      const guest = guestOf(context, 'qemu');
      return {
        ...context.machine.guests.statusRow(guest),
        ha: { managed: 0 },
        ...(guest.spec.agent?.enabled && { agent: 1 }),
      };
    },
  },
  {
    method: 'GET',
    path: qemu('/config'),
    needs: audit,
    params: { current: flag, snapshot: /^[a-z][a-z0-9_-]+$/i },
    handle: (context) => context.machine.guests.config(guestOf(context, 'qemu')),
  },
  {
    method: 'POST',
    path: qemu('/status/start'),
    needs: power,
    params: { timeout: seconds },
    handle: (context) =>
      fork(context, 'qmstart', async (worker) =>
        context.machine.guests.start(guestOf(context, 'qemu'), worker),
      ),
  },
  {
    method: 'POST',
    path: qemu('/status/shutdown'),
    needs: power,
    params: { timeout: seconds, forceStop: flag, keepActive: flag },
    handle(context) {
      const { machine, params } = context;
      const paused = machine.guests.find('qemu', Number(context.path.vmid))?.paused;
      if (paused && !isOn(params.forceStop)) throw apiError(500, 'VM is paused - cannot shutdown\n');
      return fork(context, 'qmshutdown', async (worker) => {
        const guest = qemuOrDie(context);
        await machine.guests.shutdown(guest, worker, Number(params.timeout ?? 60), isOn(params.forceStop));
      });
    },
  },
  {
    method: 'POST',
    path: qemu('/status/stop'),
    needs: power,
    params: { timeout: seconds, keepActive: flag, 'overrule-shutdown': flag },
    handle: (context) =>
      fork(context, 'qmstop', async (worker) => context.machine.guests.stop(qemuOrDie(context), worker)),
  },
  {
    method: 'POST',
    path: qemu('/status/reboot'),
    needs: power,
    params: { timeout: seconds },
    handle(context) {
      const guest = qemuOrDie(context);
      if (guest.paused) throw apiError(500, 'VM is paused - cannot shutdown\n');
      if (!guest.running) throw apiError(500, `VM ${guest.spec.vmid} not running\n`);
      return fork(context, 'qmreboot', (worker) =>
        context.machine.guests.reboot(guest, worker, Number(context.params.timeout ?? 60)),
      );
    },
  },
  {
    method: 'POST',
    path: qemu('/status/suspend'),
    needs: power,
    params: { todisk: flag },
    handle(context) {
      const guest = qemuOrDie(context);
      if (!guest.running) throw apiError(500, `VM ${guest.spec.vmid} not running\n`);
      return fork(context, 'qmpause', (worker) => context.machine.guests.suspend(guest, worker));
    },
  },
  {
    method: 'POST',
    path: qemu('/status/resume'),
    needs: power,
    handle(context) {
      const guest = qemuOrDie(context);
      if (!guest.running) throw apiError(500, `VM ${guest.spec.vmid} not running\n`);
      return fork(context, 'qmresume', (worker) => context.machine.guests.resume(guest, worker));
    },
  },
  {
    method: 'POST',
    path: qemu('/agent/ping'),
    needs: qemuAgent,
    handle: async (context) => {
      await agentOf(context);
      return { result: {} };
    },
  },
  {
    method: 'GET',
    path: qemu('/agent/get-users'),
    needs: qemuAgent,
    handle: async (context) => {
      const guest = await agentOf(context);
      if (guest.usersAnswer !== undefined) return { result: guest.usersAnswer };
      const since = guest.startedAt / 1_000;
      return { result: guest.users.map((user) => ({ ...user, 'login-time': since })) };
    },
  },
];

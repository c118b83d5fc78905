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

const lxc = (call: string) => `/nodes/{node}/lxc/{vmid}${call}`;

function runningContainer(context: RouteContext): Guest {
  const guest = context.machine.guests.find('lxc', Number(context.path.vmid));
  if (guest?.running) return guest;
  throw apiError(500, `CT ${context.path.vmid} not running\n`);
}

/** Containers, as `PVE::API2::LXC::Status` has them; checkpoints fail, as they do on most. */
export const lxcRoutes: readonly Route[] = [
  { method: 'GET', path: '/nodes/{node}/lxc', handle: listOf('lxc') },
  {
    method: 'GET',
    path: lxc('/status/current'),
    needs: audit,
    handle: (context) => ({
      ...context.machine.guests.statusRow(guestOf(context, 'lxc')),
      ha: { managed: 0 },
    }),
  },
  {
    method: 'GET',
    path: lxc('/config'),
    needs: audit,
    params: { current: flag, snapshot: /^[a-z][a-z0-9_-]+$/i },
    handle: (context) => context.machine.guests.config(guestOf(context, 'lxc')),
  },
  {
    method: 'POST',
    path: lxc('/status/start'),
    needs: power,
    params: { debug: flag },
    handle(context) {
      const { machine, path } = context;
      if (machine.guests.find('lxc', Number(path.vmid))?.running) {
        throw apiError(500, `CT ${path.vmid} already running\n`);
      }
      return fork(context, 'vzstart', async (worker) =>
        machine.guests.start(guestOf(context, 'lxc'), worker),
      );
    },
  },
  {
    method: 'POST',
    path: lxc('/status/shutdown'),
    needs: power,
    params: { timeout: seconds, forceStop: flag },
    handle(context) {
      const guest = runningContainer(context);
      const { params } = context;
      return fork(context, 'vzshutdown', (worker) =>
        context.machine.guests.shutdown(guest, worker, Number(params.timeout ?? 60), isOn(params.forceStop)),
      );
    },
  },
  {
    method: 'POST',
    path: lxc('/status/stop'),
    needs: power,
    params: { 'overrule-shutdown': flag },
    handle(context) {
      const guest = runningContainer(context);
      return fork(context, 'vzstop', (worker) => context.machine.guests.stop(guest, worker));
    },
  },
  {
    method: 'POST',
    path: lxc('/status/reboot'),
    needs: power,
    params: { timeout: seconds },
    handle(context) {
      const guest = context.machine.guests.find('lxc', Number(context.path.vmid));
      if (!guest?.running) throw apiError(500, `VM ${context.path.vmid} not running\n`);
      return fork(context, 'vzreboot', (worker) =>
        context.machine.guests.reboot(guest, worker, Number(context.params.timeout ?? 60)),
      );
    },
  },
  {
    method: 'POST',
    path: lxc('/status/suspend'),
    needs: power,
    handle(context) {
      const guest = runningContainer(context);
      return fork(context, 'vzsuspend', async () => {
        const command = `lxc-checkpoint -n ${guest.spec.vmid} -s -D /var/lib/vz/dump`;
        throw new Error(`command '${command}' failed: exit code 1`);
      });
    },
  },
  {
    method: 'POST',
    path: lxc('/status/resume'),
    needs: power,
    handle(context) {
      const { machine, path } = context;
      if (machine.guests.find('lxc', Number(path.vmid))?.running) {
        throw apiError(500, `CT ${path.vmid} already running\n`);
      }
      return fork(context, 'vzresume', async () => {
        const command = `lxc-checkpoint -n ${path.vmid} -r --foreground -D /var/lib/vz/dump`;
        throw new Error(`command '${command}' failed: exit code 1`);
      });
    },
  },
];

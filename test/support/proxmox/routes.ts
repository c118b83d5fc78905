import type { Guest, Guests } from './guests.ts';
import type { Tasks, Worker } from './tasks.ts';

/** An error as Proxmox VE puts it. */
export type ApiError = Error & { status: number; errors?: Readonly<Record<string, string>> };

export const apiError = (
  status: number,
  message: string,
  errors?: Readonly<Record<string, string>>,
): ApiError => Object.assign(new Error(message), { status, ...(errors && { errors }) });

export const isApiError = (error: unknown): error is ApiError => error instanceof Error && 'status' in error;

export type Machine = {
  readonly node: string;
  readonly guests: Guests;
  readonly tasks: Tasks;
  readonly agentWaitMs: number;
  now(): number;
  bootedAt(): number;
  wait(ms: number): Promise<void>;
  nodeCommand(command: 'shutdown' | 'reboot'): void;
};

export type RouteContext = {
  readonly machine: Machine;
  /** The parts of the path in braces. */
  readonly path: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  /** `USER@REALM!TOKENID`. */
  readonly user: string;
  may(path: string, privileges: readonly string[]): boolean;
};

export type Route = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Any one of these on the path opens it; absent: the handler decides. */
  readonly needs?: { readonly on: string; readonly anyOf: readonly string[] };
  /** Parameters beside those of the path, by the check they must pass. */
  readonly params?: Readonly<Record<string, RegExp>>;
  readonly required?: readonly string[];
  readonly handle: (context: RouteContext) => unknown;
};

const flag = /^(0|1|yes|no|on|off|true|false)$/i;
const seconds = /^\d+$/;
const isOn = (value: string | undefined) => /^(1|yes|on|true)$/i.test(value ?? '');

const onGuest = { on: '/vms/{vmid}' } as const;
const audit = { ...onGuest, anyOf: ['VM.Audit'] };
const power = { ...onGuest, anyOf: ['VM.PowerMgmt'] };
const agent = { ...onGuest, anyOf: ['VM.GuestAgent.Audit', 'VM.GuestAgent.Unrestricted'] };

type Kind = 'qemu' | 'lxc';

function guestOf({ machine, path }: RouteContext, kind: Kind): Guest {
  const guest = machine.guests.find(kind, Number(path.vmid));
  if (guest !== undefined) return guest;
  const folder = kind === 'qemu' ? 'qemu-server' : 'lxc';
  throw apiError(
    500,
    `Configuration file 'nodes/${machine.node}/${folder}/${path.vmid}.conf' does not exist\n`,
  );
}

/** The guest of a QEMU call that looks at the running process first, with that check's own sentence. */
function qemuOrDie({ machine, path }: RouteContext): Guest {
  const guest = machine.guests.find('qemu', Number(path.vmid));
  if (guest !== undefined) return guest;
  throw apiError(500, `unable to find configuration file for VM ${path.vmid} on node '${machine.node}'\n`);
}

function runningContainer(context: RouteContext): Guest {
  const guest = context.machine.guests.find('lxc', Number(context.path.vmid));
  if (guest?.running) return guest;
  throw apiError(500, `CT ${context.path.vmid} not running\n`);
}

function fork(context: RouteContext, type: string, work: (worker: Worker) => Promise<void>): string {
  const { machine, path, user } = context;
  return machine.tasks.fork(type, path.vmid ?? '', user, work).upid;
}

/** Most orders look for the configuration only inside their task. */
const inTask = (context: RouteContext, kind: Kind) => async (): Promise<Guest> => {
  try {
    return guestOf(context, kind);
  } catch (error) {
    throw new Error(error instanceof Error ? error.message.trimEnd() : 'unknown');
  }
};

async function agentOf(context: RouteContext): Promise<Guest> {
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

const qemu = (call: string) => `/nodes/{node}/qemu/{vmid}${call}`;
const lxc = (call: string) => `/nodes/{node}/lxc/{vmid}${call}`;

function listOf(kind: Kind) {
  return ({ machine, may }: RouteContext) =>
    machine.guests
      .all()
      .filter(({ spec }) => spec.kind === kind && may(`/vms/${spec.vmid}`, ['VM.Audit']))
      .map((guest) => machine.guests.statusRow(guest));
}

const qemuRoutes: readonly Route[] = [
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
        context.machine.guests.start(await inTask(context, 'qemu')(), worker),
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
    needs: agent,
    handle: async (context) => {
      await agentOf(context);
      return { result: {} };
    },
  },
  {
    method: 'GET',
    path: qemu('/agent/get-users'),
    needs: agent,
    handle: async (context) => {
      const guest = await agentOf(context);
      if (guest.usersAnswer !== undefined) return { result: guest.usersAnswer };
      const since = guest.startedAt / 1_000;
      return { result: guest.users.map((user) => ({ ...user, 'login-time': since })) };
    },
  },
];

const lxcRoutes: readonly Route[] = [
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
        machine.guests.start(await inTask(context, 'lxc')(), worker),
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

function taskOf({ machine, path, user, may }: RouteContext) {
  const upid = path.upid ?? '';
  if (!/^UPID:[^:]+:[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:[^:\s/]+:[^:\s/]*:[^:\s/]+:$/.test(upid)) {
    throw apiError(400, 'Parameter verification failed.\n', { upid: 'unable to parse worker upid' });
  }
  const task = machine.tasks.find(upid);
  if (task === undefined) {
    throw apiError(400, 'Parameter verification failed.\n', { upid: 'no such task' });
  }
  if (task.user !== user && !may(`/nodes/${machine.node}`, ['Sys.Audit'])) {
    throw apiError(403, `Permission check failed (/nodes/${machine.node}, Sys.Audit)\n`);
  }
  return task;
}

const nodeRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/version',
    handle: () => ({ version: '9.0.11', release: '9.0', repoid: 'a1b2c3d4e5f60718' }),
  },
  {
    method: 'GET',
    path: '/nodes/{node}/tasks/{upid}/status',
    handle(context) {
      const { upid, node, pid, pstart, starttime, type, id, user, exitstatus } = taskOf(context);
      const [person = '', tokenid] = user.split('!');
      return {
        upid,
        node,
        pid,
        pstart,
        starttime,
        type,
        id,
        user: person,
        ...(tokenid !== undefined && { tokenid }),
        ...(exitstatus === undefined ? { status: 'running' } : { status: 'stopped', exitstatus }),
      };
    },
  },
  {
    method: 'GET',
    path: '/nodes/{node}/tasks/{upid}/log',
    params: { start: seconds, limit: seconds },
    handle(context) {
      const { log } = taskOf(context);
      const start = Number(context.params.start ?? 0);
      const lines = log.map((t, index) => ({ n: index + 1, t }));
      return lines.slice(start, start + Number(context.params.limit ?? 50));
    },
  },
  {
    method: 'GET',
    path: '/nodes/{node}/status',
    needs: { on: '/nodes/{node}', anyOf: ['Sys.Audit'] },
    handle: ({ machine }) => ({
      uptime: Math.floor((machine.now() - machine.bootedAt()) / 1_000),
      pveversion: 'pve-manager/9.0.11/3bf5476b8a4699e2',
      cpu: 0.0153,
      cpuinfo: { cores: 8, cpus: 16, model: 'AMD Ryzen 7 5700X 8-Core Processor', sockets: 1 },
      loadavg: ['0.12', '0.08', '0.05'],
      memory: {
        total: 33_567_932_416,
        used: 4_294_967_296,
        free: 29_272_965_120,
        available: 28_991_029_248,
      },
      rootfs: { total: 8_350_298_112, used: 3_221_225_472, avail: 4_684_525_568, free: 5_129_072_640 },
      'current-kernel': {
        sysname: 'Linux',
        release: '6.14.11-4-pve',
        version: '#1 SMP PREEMPT_DYNAMIC PMX 6.14.11-4',
        machine: 'x86_64',
      },
      'boot-info': { mode: 'efi', secureboot: 0 },
    }),
  },
  {
    method: 'POST',
    path: '/nodes/{node}/status',
    needs: { on: '/nodes/{node}', anyOf: ['Sys.PowerMgmt'] },
    params: { command: /^(shutdown|reboot)$/ },
    required: ['command'],
    handle({ machine, params }) {
      machine.nodeCommand(params.command === 'reboot' ? 'reboot' : 'shutdown');
      return null;
    },
  },
];

export const routes: readonly Route[] = [...nodeRoutes, ...qemuRoutes, ...lxcRoutes];

/** The route of a path and the decoded parts of it. */
export function findRoute(
  method: string,
  path: string,
): { route: Route; parts: Record<string, string> } | undefined {
  const given = path.split('/');
  for (const route of routes) {
    const wanted = route.path.split('/');
    if (route.method !== method || wanted.length !== given.length) continue;
    const parts: Record<string, string> = {};
    const fits = wanted.every((part, index) => {
      const value = decodeURIComponent(given[index] ?? '');
      const name = /^\{(.+)\}$/.exec(part)?.[1];
      if (name === undefined) return part === value;
      parts[name] = value;
      return value !== '';
    });
    if (fits) return { route, parts };
  }
  return undefined;
}

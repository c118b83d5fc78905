import { apiError, type Route, type RouteContext, seconds } from './route.ts';

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

/** The node itself and its tasks. */
export const nodeRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/version',
    handle: () => ({ version: '9.0.11', release: '9.0', repoid: 'a1b2c3d4e5f60718' }),
  },
  {
    method: 'GET',
    path: '/cluster/resources',
    params: { type: /^(vm|storage|node|sdn)$/ },
    handle: ({ machine, may }) =>
      machine.guests
        .all()
        .filter(({ spec }) => may(`/vms/${spec.vmid}`, ['VM.Audit']))
        .map(({ spec, running }) => ({
          id: `${spec.kind}/${spec.vmid}`,
          type: spec.kind,
          vmid: spec.vmid,
          name: spec.name,
          node: machine.node,
          status: running ? 'running' : 'stopped',
          template: spec.template ? 1 : 0,
          maxcpu: 4,
        })),
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

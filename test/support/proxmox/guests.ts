import { createHash } from 'node:crypto';
import type { GuestSpec, SimulatorClock, SimulatorEvent } from './options.ts';
import type { Worker } from './tasks.ts';

/** A simulated guest and what tests may look at or change. */
export type Guest = {
  readonly spec: GuestSpec;
  running: boolean;
  paused: boolean;
  lock: string | undefined;
  ignoresShutdown: boolean;
  users: readonly { readonly user: string; readonly domain?: string }[];
  /** Replaces the whole answer of the agent to `get-users`, for hostile guests. */
  usersAnswer: unknown;
  /** Milliseconds since 1970; from then on the agent answers. */
  agentFrom: number;
  startedAt: number;
  /** How many tasks hold or wait for the lock of the configuration file. */
  configQueue: Promise<void>;
};

export type Halt = 'guest_stopped' | 'guest_stopped_by_node' | 'guest_cut';

export type Guests = {
  find(kind: string, vmid: number): Guest | undefined;
  all(): readonly Guest[];
  agentAnswers(guest: Guest): boolean;
  /** The bodies of the tasks, as `qm` and `pct` do them. */
  start(guest: Guest, worker: Worker): Promise<void>;
  shutdown(guest: Guest, worker: Worker, timeoutS: number, forceStop: boolean): Promise<void>;
  stop(guest: Guest, worker: Worker): Promise<void>;
  reboot(guest: Guest, worker: Worker, timeoutS: number): Promise<void>;
  suspend(guest: Guest, worker: Worker): Promise<void>;
  resume(guest: Guest, worker: Worker): Promise<void>;
  /** Switched on or off at once, without a task. */
  boot(guest: Guest): void;
  halt(guest: Guest, how: Halt): void;
  statusRow(guest: Guest): Record<string, unknown>;
  config(guest: Guest): Record<string, unknown>;
};

const noun = (guest: Guest) => (guest.spec.kind === 'qemu' ? 'VM' : 'CT');

export function createGuests(deps: {
  readonly specs: readonly GuestSpec[];
  readonly clock: SimulatorClock;
  readonly configLockWaitMs: number;
  readonly emit: (kind: SimulatorEvent['kind'], vmid: number) => void;
}): Guests {
  const { clock, configLockWaitMs, emit } = deps;
  const guests = deps.specs.map(
    (spec): Guest => ({
      spec,
      running: false,
      paused: false,
      lock: undefined,
      ignoresShutdown: spec.ignoresShutdown ?? false,
      users: spec.users ?? [],
      usersAnswer: undefined,
      agentFrom: Number.POSITIVE_INFINITY,
      startedAt: 0,
      configQueue: Promise.resolve(),
    }),
  );

  const boot = (guest: Guest): void => {
    guest.running = true;
    guest.paused = false;
    guest.startedAt = clock.now();
    guest.agentFrom = guest.spec.agent?.enabled
      ? clock.now() + (guest.spec.agent.answersAfterMs ?? 0)
      : Number.POSITIVE_INFINITY;
    emit('guest_started', guest.spec.vmid);
  };

  const halt = (guest: Guest, how: Halt): void => {
    if (!guest.running) return;
    guest.running = false;
    guest.paused = false;
    guest.agentFrom = Number.POSITIVE_INFINITY;
    emit(how, guest.spec.vmid);
  };

  /** One task at a time per guest, the others wait for the lock file and give up. */
  const locked = async (guest: Guest, worker: Worker, work: () => Promise<void>): Promise<void> => {
    const before = guest.configQueue;
    let release: () => void = () => {};
    const mine = new Promise<void>((resolve) => {
      release = resolve;
    });
    guest.configQueue = before.then(() => mine);
    let stopWaiting: () => void = () => {};
    const tooLong = new Promise<'too long'>((resolve) => {
      stopWaiting = clock.after(configLockWaitMs, () => resolve('too long'));
    });
    try {
      if ((await worker.wait(Promise.race([before, tooLong]))) === 'too long') {
        const folder = guest.spec.kind === 'qemu' ? '/var/lock/qemu-server' : '/run/lock/lxc';
        const file = guest.spec.kind === 'qemu' ? 'lock-' : 'pve-config-';
        throw new Error(`can't lock file '${folder}/${file}${guest.spec.vmid}.conf' - got timeout`);
      }
      await work();
    } finally {
      stopWaiting();
      release();
    }
  };

  const refuseLocked = (guest: Guest): void => {
    if (guest.lock !== undefined) throw new Error(`${noun(guest)} is locked (${guest.lock})`);
  };

  const startNow = async (guest: Guest, worker: Worker): Promise<void> => {
    const { exclusive, vmid } = guest.spec;
    const refuseConflict = (): void => {
      const rival = guests.find(
        (other) => other !== guest && other.running && other.spec.exclusive === exclusive,
      );
      if (exclusive === undefined || rival === undefined) return;
      emit('device_conflict', vmid);
      throw new Error(`PCI device '0000:01:00.0' already in use by VMID '${rival.spec.vmid}'`);
    };
    refuseConflict();
    await worker.sleep(guest.spec.startMs ?? 20);
    refuseConflict();
    boot(guest);
  };

  const shutdownNow = async (
    guest: Guest,
    worker: Worker,
    timeoutS: number,
    force: boolean,
  ): Promise<void> => {
    const neededMs = guest.ignoresShutdown ? Number.POSITIVE_INFINITY : (guest.spec.shutdownMs ?? 20);
    if (neededMs <= timeoutS * 1_000) {
      await worker.sleep(neededMs);
      return halt(guest, 'guest_stopped');
    }
    await worker.sleep(timeoutS * 1_000);
    if (force) return halt(guest, 'guest_cut');
    throw new Error(
      guest.spec.kind === 'qemu' ? 'VM quit/powerdown failed - got timeout' : 'container did not stop',
    );
  };

  return {
    find: (kind, vmid) => guests.find((guest) => guest.spec.kind === kind && guest.spec.vmid === vmid),
    all: () => guests,
    agentAnswers: (guest) => guest.running && !guest.paused && clock.now() >= guest.agentFrom,
    boot,
    halt,
    start: (guest, worker) =>
      locked(guest, worker, async () => {
        if (guest.lock === 'backup' && guest.running) return;
        refuseLocked(guest);
        if (guest.running) throw new Error(`${noun(guest)} ${guest.spec.vmid} already running`);
        await startNow(guest, worker);
      }),
    shutdown: (guest, worker, timeoutS, forceStop) =>
      locked(guest, worker, async () => {
        if (!guest.running) return;
        refuseLocked(guest);
        await shutdownNow(guest, worker, timeoutS, forceStop);
      }),
    stop: (guest, worker) =>
      locked(guest, worker, async () => {
        if (!guest.running) return;
        refuseLocked(guest);
        halt(guest, 'guest_cut');
      }),
    reboot: (guest, worker, timeoutS) =>
      locked(guest, worker, async () => {
        if (!guest.running) return;
        refuseLocked(guest);
        await shutdownNow(guest, worker, timeoutS, false);
        await startNow(guest, worker);
      }),
    suspend: (guest, worker) =>
      locked(guest, worker, async () => {
        if (guest.lock !== 'backup') refuseLocked(guest);
        guest.paused = true;
      }),
    resume: (guest, worker) =>
      locked(guest, worker, async () => {
        if (!guest.paused) return;
        if (guest.lock !== 'backup') refuseLocked(guest);
        guest.paused = false;
      }),
    statusRow: (guest) => statusRow(guest, clock.now()),
    config,
  };
}

function statusRow(guest: Guest, now: number): Record<string, unknown> {
  const { spec, running } = guest;
  const qemu = spec.kind === 'qemu';
  return {
    // Containers have had their VMID as a string for years.
    vmid: qemu ? spec.vmid : String(spec.vmid),
    name: spec.name,
    status: running ? 'running' : 'stopped',
    uptime: running ? Math.floor((now - guest.startedAt) / 1_000) : 0,
    cpu: running ? 0.0312 : 0,
    cpus: 4,
    mem: running ? 1_073_741_824 : 0,
    maxmem: 4_294_967_296,
    maxdisk: 34_359_738_368,
    diskread: 0,
    diskwrite: 0,
    netin: 0,
    netout: 0,
    ...(guest.lock !== undefined && { lock: guest.lock }),
    ...(qemu && { qmpstatus: guest.paused ? 'paused' : running ? 'running' : 'stopped' }),
    ...(qemu && running && { pid: 1_000 + spec.vmid }),
    ...(!qemu && { disk: 0, maxswap: 536_870_912, type: 'lxc' }),
  };
}

function config(guest: Guest): Record<string, unknown> {
  const { spec } = guest;
  const common = {
    ...(spec.onboot && { onboot: 1 }),
    ...(guest.lock !== undefined && { lock: guest.lock }),
    digest: createHash('sha1').update(`${spec.vmid} ${spec.name} ${guest.lock}`).digest('hex'),
    cores: 4,
  };
  if (spec.kind === 'lxc') {
    return {
      ...common,
      arch: 'amd64',
      hostname: spec.name,
      memory: 4_096,
      ostype: 'debian',
      rootfs: `${spec.rootfs ?? `local-lvm:vm-${spec.vmid}-disk-0`},size=8G`,
      ...(spec.address !== undefined && { net0: `name=eth0,bridge=vmbr0,ip=${spec.address}/24,type=veth` }),
    };
  }
  return {
    ...common,
    name: spec.name,
    memory: '4096',
    ostype: 'l26',
    scsi0: `local-lvm:vm-${spec.vmid}-disk-0,size=32G`,
    ...(spec.uuid !== undefined && {
      // SG9tZWxhYg== is "Homelab": with base64=1 every field but the UUID is encoded.
      smbios1: `base64=1,family=SG9tZWxhYg==,uuid=${spec.uuid}`,
    }),
    ...(spec.address !== undefined && { ipconfig0: `ip=${spec.address}/24,gw=192.168.20.1` }),
    ...(spec.agent !== undefined && { agent: spec.agent.enabled ? '1' : '0' }),
    ...(spec.exclusive !== undefined && { hostpci0: '0000:01:00,pcie=1' }),
  };
}

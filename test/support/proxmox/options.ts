import type { ServerCertificate } from './certificate.ts';
import type { SchemaCheck } from './schema-check.ts';

/** What a program ended with, as the agent keeps it until it is asked once. */
export type ExecEnd = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** A guest as the test or the demo wants it to be. Times are of the simulated guest, in milliseconds. */
export type GuestSpec = {
  readonly vmid: number;
  readonly kind: 'qemu' | 'lxc';
  readonly name: string;
  /** QEMU: the SMBIOS UUID. */
  readonly uuid?: string;
  /** LXC: the root file system's volume id; made up from the VMID when absent. */
  readonly rootfs?: string;
  /** What cloud-init, or the container's own configuration, gives it. */
  readonly address?: string;
  readonly template?: boolean;
  readonly running?: boolean;
  /** Started when the node is switched on. */
  readonly onboot?: boolean;
  /** QEMU only. Absent: not configured at all. */
  readonly agent?: {
    readonly enabled: boolean;
    /** How long after the start the agent begins to answer; `Infinity` for an agent that never does. */
    readonly answersAfterMs?: number;
    /** Runs what the agent is told to; absent: every program is unknown to it. */
    readonly exec?: (argv: readonly string[], stdin: string) => Promise<ExecEnd>;
  };
  /** Who is logged in while the guest runs, as the agent tells it. */
  readonly users?: readonly { readonly user: string; readonly domain?: string }[];
  readonly startMs?: number;
  readonly shutdownMs?: number;
  /** Goes on running whatever the graceful shutdown says. */
  readonly ignoresShutdown?: boolean;
  /** A passed-through device: of the guests that name the same one, only one can run. */
  readonly exclusive?: string;
};

export type TokenSpec = {
  /** `USER@REALM!TOKENID=SECRET`. */
  readonly token: string;
  /** Path → privileges, the longest path that fits decides; absent means all. */
  readonly privileges?: Readonly<Record<string, readonly string[]>>;
};

export type SimulatorClock = {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back after `ms` unless cancelled by what it returns. */
  after(ms: number, callback: () => void): () => void;
};

export type SimulatorOptions = {
  readonly node: string;
  readonly guests: readonly GuestSpec[];
  readonly tokens: readonly TokenSpec[];
  /** 0 or absent: any free port, kept over power-offs. */
  readonly port?: number;
  /** False: the machine is off until `powerOn()`. */
  readonly poweredOn?: boolean;
  /** Between the order and the end of the machine; about 2 s in reality. */
  readonly powerOffDelayMs?: number;
  /** Called once everything is cut, after an order by the API. */
  readonly onPowerOff?: () => void;
  /** Called likewise for a reboot; without it the simulator switches itself on again. */
  readonly onReboot?: () => void;
  /** Called with each event as it happens. */
  readonly onEvent?: (event: SimulatorEvent) => void;
  /** How large a body may be: 64 KiB before libpve-http-server-perl 5.2.1. */
  readonly maxBodyBytes?: number;
  /** How long the server waits for a silent agent; 3 s in reality. */
  readonly agentWaitMs?: number;
  /** How long a task waits for the lock of a guest's configuration; 10 s in reality. */
  readonly configLockWaitMs?: number;
  /** How long a wrong token waits for its 401; 3 s in reality. */
  readonly unauthorizedDelayMs?: number;
  readonly clock?: SimulatorClock;
  /** Kept by whoever starts the simulator anew and wants the same pin; made on the spot otherwise. */
  readonly certificate?: ServerCertificate;
  /** Checks every request and answer against the official schema. */
  readonly schema?: SchemaCheck;
};

/** What happened to the simulated machine, in order. */
export type SimulatorEvent = {
  readonly atMs: number;
  readonly kind:
    | 'powered_on'
    | 'powered_off'
    | 'guest_started'
    | 'guest_stopped'
    /** Was still running when the node was told to go down, which then stopped it itself. */
    | 'guest_stopped_by_node'
    /** Lost its power while it ran: by `stop`, or with the whole machine. */
    | 'guest_cut'
    /** A start was refused because another holder of the device ran. */
    | 'device_conflict';
  readonly vmid?: number;
};

export const realClock: SimulatorClock = {
  now: () => Date.now(),
  after(ms, callback) {
    if (!Number.isFinite(ms)) return () => {};
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

import * as v from 'valibot';
import type { Exec } from '../machine/remote-machine.ts';
import type { DriverClock } from './clock.ts';
import type { HttpsClient } from './https-client.ts';
import { agentPing, agentUsers, type LoggedInUser } from './proxmox-agent.ts';
import type { ProxmoxResult } from './proxmox-errors.ts';
import { createAgentExec } from './proxmox-exec.ts';
import {
  type GuestIdentity,
  type GuestRef,
  type GuestStatus,
  guestIdentity,
  guestPath,
  guestStatus,
  type ListedGuest,
  listGuests,
} from './proxmox-guests.ts';
import { createProxmoxHttp } from './proxmox-http.ts';
import { nodeStatusShape } from './proxmox-shapes.ts';
import { createTaskRunner, type EndedTask } from './proxmox-tasks.ts';

export type NodeStatus = {
  readonly uptimeS: number;
  readonly pveversion: string;
  readonly kernel: string;
  /** 0 to 1. */
  readonly cpu: number;
  /** Over 1, 5 and 15 minutes. */
  readonly loadavg: readonly number[];
  readonly memory: { readonly totalBytes: number; readonly usedBytes: number };
};

/** How long an operation is waited for; the defaults suit a slow disk. */
export type Waiting = { readonly deadlineMs?: number; readonly signal?: AbortSignal };

/**
 * One Proxmox VE node over its API. No operation throws for anything that the server, the network or a guest
 * does; each order waits for the end of its task and reports the task's own failure.
 *
 * Orders are not idempotent here: starting what runs is `already_running` or stopping what is stopped
 * `guest_not_running` wherever Proxmox VE says so. (A QEMU guest that is stopped shuts down and stops with success.)
 */
export type Proxmox = {
  listGuests(signal?: AbortSignal): Promise<ProxmoxResult<readonly ListedGuest[]>>;
  guestStatus(guest: GuestRef, signal?: AbortSignal): Promise<ProxmoxResult<GuestStatus>>;
  guestIdentity(guest: GuestRef, signal?: AbortSignal): Promise<ProxmoxResult<GuestIdentity>>;

  start(guest: GuestRef, waiting?: Waiting): Promise<ProxmoxResult<EndedTask>>;
  /** Graceful; a guest that does not end within `timeoutS` goes on running and the task fails. */
  shutdown(
    guest: GuestRef,
    options: { readonly timeoutS: number } & Waiting,
  ): Promise<ProxmoxResult<EndedTask>>;
  /** A power cut. */
  stop(guest: GuestRef, waiting?: Waiting): Promise<ProxmoxResult<EndedTask>>;
  /** Graceful shutdown, then a start. `timeoutS` bounds the shutdown. */
  reboot(
    guest: GuestRef,
    options: { readonly timeoutS: number } & Waiting,
  ): Promise<ProxmoxResult<EndedTask>>;
  /** QEMU: pauses in memory. LXC: an experimental checkpoint, which fails on most containers. */
  suspend(guest: GuestRef, waiting?: Waiting): Promise<ProxmoxResult<EndedTask>>;
  resume(guest: GuestRef, waiting?: Waiting): Promise<ProxmoxResult<EndedTask>>;

  agentPing(guest: GuestRef, signal?: AbortSignal): Promise<ProxmoxResult<null>>;
  agentUsers(guest: GuestRef, signal?: AbortSignal): Promise<ProxmoxResult<readonly LoggedInUser[]>>;

  /** Runs programs in a QEMU guest through its agent, as root there. The token needs VM.GuestAgent.Unrestricted for it. */
  agentExec(guest: GuestRef): Exec;

  nodeStatus(signal?: AbortSignal): Promise<ProxmoxResult<NodeStatus>>;
  /** Success means that the order was taken; the node goes down about two seconds later. */
  nodeShutdown(signal?: AbortSignal): Promise<ProxmoxResult<null>>;
  nodeReboot(signal?: AbortSignal): Promise<ProxmoxResult<null>>;
};

export type ProxmoxDeps = {
  /** Pinned to the server's certificate. */
  readonly client: HttpsClient;
  /** `https://host:8006`; a path is ignored. */
  readonly baseUrl: string;
  /** The node's name in Proxmox VE. */
  readonly node: string;
  /** `USER@REALM!TOKENID=SECRET`, privilege-separated. */
  readonly token: string;
  readonly clock: DriverClock;
  /** Time between two looks at a running task. */
  readonly pollMs?: number;
};

const taskDeadlineMs = 120_000;
// Proxmox VE waits up to 10 s for the lock of the configuration before the guest's own time begins.
const taskMarginMs = 30_000;

/** Throws only when node, address or token are malformed. */
export function createProxmox(deps: ProxmoxDeps): Proxmox {
  const { node, clock } = deps;
  if (!/^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/.test(node)) throw new Error('not a node name');
  const http = createProxmoxHttp(deps);
  const runTask = createTaskRunner({ http, node, clock, pollMs: deps.pollMs ?? 1_000 });

  const order = (
    verb: string,
    guest: GuestRef,
    waiting: Waiting = {},
    params: Readonly<Record<string, string | number>> = {},
    defaultDeadlineMs: number = taskDeadlineMs,
  ): Promise<ProxmoxResult<EndedTask>> =>
    runTask(
      { path: `${guestPath(node, guest)}/status/${verb}`, params },
      { deadlineMs: waiting.deadlineMs ?? defaultDeadlineMs, signal: waiting.signal },
    );

  const graceful = (verb: string, guest: GuestRef, options: { readonly timeoutS: number } & Waiting) => {
    const { timeoutS } = options;
    if (!Number.isSafeInteger(timeoutS) || timeoutS < 0) throw new Error('timeoutS is in whole seconds');
    return order(verb, guest, options, { timeout: timeoutS }, timeoutS * 1_000 + taskMarginMs);
  };

  const nodeCommand = (command: 'shutdown' | 'reboot', signal?: AbortSignal) =>
    http({ method: 'POST', path: `/nodes/${node}/status`, params: { command }, shape: v.null(), signal });

  return {
    listGuests: (signal) => listGuests(http, node, signal),
    guestStatus: (guest, signal) => guestStatus(http, node, guest, signal),
    guestIdentity: (guest, signal) => guestIdentity(http, node, guest, signal),

    start: (guest, waiting) => order('start', guest, waiting),
    shutdown: (guest, options) => graceful('shutdown', guest, options),
    stop: (guest, waiting) => order('stop', guest, waiting),
    reboot: (guest, options) => graceful('reboot', guest, options),
    suspend: (guest, waiting) => order('suspend', guest, waiting),
    resume: (guest, waiting) => order('resume', guest, waiting),

    agentPing: (guest, signal) => agentPing(http, node, guest, signal),
    agentUsers: (guest, signal) => agentUsers(http, node, guest, signal),

    agentExec: (guest) => createAgentExec(http, node, guest, clock),

    async nodeStatus(signal) {
      const path = `/nodes/${node}/status`;
      const answer = await http({ method: 'GET', path, shape: nodeStatusShape, signal });
      if (!answer.ok) return answer;
      const { uptime, pveversion, cpu, loadavg, memory, 'current-kernel': kernel } = answer.value;
      return {
        ok: true,
        value: {
          uptimeS: uptime ?? 0,
          pveversion: pveversion ?? '',
          kernel: kernel?.release ?? '',
          cpu: cpu ?? 0,
          loadavg: (loadavg ?? []).map(Number),
          memory: { totalBytes: memory?.total ?? 0, usedBytes: memory?.used ?? 0 },
        },
      };
    },
    nodeShutdown: (signal) => nodeCommand('shutdown', signal),
    nodeReboot: (signal) => nodeCommand('reboot', signal),
  };
}

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
  readonly lists: Readonly<Record<string, readonly string[]>>;
  /** `USER@REALM!TOKENID`. */
  readonly user: string;
  may(path: string, privileges: readonly string[]): boolean;
  /** The token's own privileges by path; of a token with all of them, those of the root. */
  readonly privileges: Readonly<Record<string, readonly string[]>>;
};

export type Route = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Any one of these on the path opens it; absent: the handler decides. */
  readonly needs?: { readonly on: string; readonly anyOf: readonly string[] };
  /** Parameters beside those of the path, by the check they must pass. */
  readonly params?: Readonly<Record<string, RegExp>>;
  readonly required?: readonly string[];
  /** Parameters that may be given several times. */
  readonly lists?: readonly string[];
  readonly handle: (context: RouteContext) => unknown;
};

export const flag = /^(0|1|yes|no|on|off|true|false)$/i;
export const seconds = /^\d+$/;
export const isOn = (value: string | undefined) => /^(1|yes|on|true)$/i.test(value ?? '');

const onGuest = { on: '/vms/{vmid}' } as const;
export const audit = { ...onGuest, anyOf: ['VM.Audit'] };
export const power = { ...onGuest, anyOf: ['VM.PowerMgmt'] };

export type Kind = 'qemu' | 'lxc';

export function guestOf({ machine, path }: RouteContext, kind: Kind): Guest {
  const guest = machine.guests.find(kind, Number(path.vmid));
  if (guest !== undefined) return guest;
  const folder = kind === 'qemu' ? 'qemu-server' : 'lxc';
  throw apiError(
    500,
    `Configuration file 'nodes/${machine.node}/${folder}/${path.vmid}.conf' does not exist\n`,
  );
}

export function fork(context: RouteContext, type: string, work: (worker: Worker) => Promise<void>): string {
  const { machine, path, user } = context;
  return machine.tasks.fork(type, path.vmid ?? '', user, work).upid;
}

export function listOf(kind: Kind) {
  return ({ machine, may }: RouteContext) =>
    machine.guests
      .all()
      .filter(({ spec }) => spec.kind === kind && may(`/vms/${spec.vmid}`, ['VM.Audit']))
      .map((guest) => machine.guests.statusRow(guest));
}

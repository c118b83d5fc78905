import type { ProxmoxResult } from './proxmox-errors.ts';
import { failure } from './proxmox-errors.ts';
import type { ProxmoxHttp } from './proxmox-http.ts';
import { guestRows, guestStatusShape, lxcConfigShape, qemuConfigShape } from './proxmox-shapes.ts';

export type GuestKind = 'qemu' | 'lxc';

/** A guest as Proxmox VE addresses it: VMIDs are unique, but each kind has paths of its own. */
export type GuestRef = { readonly kind: GuestKind; readonly vmid: number };

export type GuestStatus = {
  readonly status: 'running' | 'stopped';
  /** A paused guest is `running`, yet neither answers nor shuts down. */
  readonly paused: boolean;
  /** `backup`, `snapshot`, `migrate`, …; absent when unlocked. */
  readonly lock?: string;
  readonly uptimeS: number;
  readonly name?: string;
  /** Whether the configuration switches the guest agent on; absent where the server does not say (LXC). */
  readonly agentEnabled?: boolean;
};

export type ListedGuest = GuestRef & GuestStatus & { readonly template: boolean };

/** What pins a guest: a VMID alone is reused as soon as a guest is destroyed. */
export type GuestIdentity =
  | { readonly kind: 'qemu'; readonly vmid: number; readonly uuid: string }
  | { readonly kind: 'lxc'; readonly vmid: number; readonly rootfs: string };

/** The one text of an identity, as trust pins it and hosts report it. */
export const identityText = (found: GuestIdentity): string =>
  found.kind === 'qemu' ? found.uuid : found.rootfs;

/** Whether a guest is the one that was pinned; a UUID means the same in either case. */
export const isPinned = (found: GuestIdentity, pinned: string): boolean =>
  identityText(found) === (found.kind === 'qemu' ? pinned.toLowerCase() : pinned);

/** The path of a guest; throws on a VMID that no Proxmox VE would give, because it ends up in a URL. */
export function guestPath(node: string, { kind, vmid }: GuestRef): string {
  if (!Number.isSafeInteger(vmid) || vmid < 100 || vmid > 999_999_999) throw new Error('no such VMID');
  return `/nodes/${node}/${kind === 'lxc' ? 'lxc' : 'qemu'}/${vmid}`;
}

type Row = {
  status: 'running' | 'stopped';
  qmpstatus?: string | undefined;
  lock?: string | undefined;
  uptime?: number | undefined;
  name?: string | undefined;
  agent?: boolean | undefined;
};

// The states in which Proxmox VE itself refuses a shutdown, and `suspended`, which a guest's own standby shows.
const pausedStates: ReadonlySet<string> = new Set(['paused', 'prelaunch', 'suspended']);

function statusOf(row: Row): GuestStatus {
  return {
    status: row.status,
    paused: row.status === 'running' && pausedStates.has(row.qmpstatus ?? ''),
    uptimeS: row.uptime ?? 0,
    ...(row.lock !== undefined && { lock: row.lock }),
    ...(row.name !== undefined && { name: row.name }),
    ...(row.agent !== undefined && { agentEnabled: row.agent }),
  };
}

const maxListBytes = 4 * 1024 * 1024;

/**
 * The guests of this node that the token may see, sorted by VMID. One malformed row fails the whole list: whoever
 * asks "does anything still run?" must not get an answer with holes.
 */
export async function listGuests(
  http: ProxmoxHttp,
  node: string,
  signal?: AbortSignal,
): Promise<ProxmoxResult<readonly ListedGuest[]>> {
  const lists = await Promise.all(
    (['qemu', 'lxc'] as const).map(async (kind): Promise<ProxmoxResult<ListedGuest[]>> => {
      const path = `/nodes/${node}/${kind}`;
      const rows = await http({ method: 'GET', path, shape: guestRows, maxBytes: maxListBytes, signal });
      if (!rows.ok) return rows;
      const guests = rows.value.map((row) => ({
        kind,
        vmid: row.vmid,
        ...statusOf(row),
        template: row.template ?? false,
      }));
      return { ok: true, value: guests };
    }),
  );
  const all: ListedGuest[] = [];
  for (const list of lists) {
    if (!list.ok) return list;
    all.push(...list.value);
  }
  if (new Set(all.map((guest) => guest.vmid)).size !== all.length) {
    return failure('bad_answer', 'one VMID twice');
  }
  return { ok: true, value: all.sort((a, b) => a.vmid - b.vmid) };
}

/** What the guest does now. */
export async function guestStatus(
  http: ProxmoxHttp,
  node: string,
  guest: GuestRef,
  signal?: AbortSignal,
): Promise<ProxmoxResult<GuestStatus>> {
  const path = `${guestPath(node, guest)}/status/current`;
  const row = await http({ method: 'GET', path, shape: guestStatusShape, signal });
  if (!row.ok) return row;
  if (row.value.vmid !== undefined && row.value.vmid !== guest.vmid) {
    return failure('bad_answer', 'the status of another guest');
  }
  return { ok: true, value: statusOf(row.value) };
}

/** The guest's identity: SMBIOS UUID in lower case, or the volume id of the root file system. */
export async function guestIdentity(
  http: ProxmoxHttp,
  node: string,
  guest: GuestRef,
  signal?: AbortSignal,
): Promise<ProxmoxResult<GuestIdentity>> {
  const path = `${guestPath(node, guest)}/config`;
  // Without `current` the server shows what a pending change will make of it.
  const call = { method: 'GET', path, params: { current: 1 }, signal } as const;
  if (guest.kind === 'qemu') {
    const config = await http({ ...call, shape: qemuConfigShape });
    if (!config.ok) return config;
    const uuid = smbiosUuid(config.value.smbios1 ?? '');
    if (uuid === undefined) return failure('no_identity', 'the configuration has no SMBIOS UUID');
    return { ok: true, value: { kind: 'qemu', vmid: guest.vmid, uuid } };
  }
  const config = await http({ ...call, shape: lxcConfigShape });
  if (!config.ok) return config;
  const rootfs = volumeOf(config.value.rootfs ?? '');
  if (rootfs === undefined) return failure('no_identity', 'the configuration has no root file system');
  return { ok: true, value: { kind: 'lxc', vmid: guest.vmid, rootfs } };
}

/** `base64=1,family=…,uuid=…`: other fields may be base64, the UUID never is. */
function smbiosUuid(smbios1: string): string | undefined {
  const fields = smbios1.split(',').filter((field) => field.startsWith('uuid='));
  const uuid = fields.length === 1 ? fields[0]?.slice('uuid='.length).toLowerCase() : undefined;
  return uuid !== undefined && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid) ? uuid : undefined;
}

/** `local-lvm:vm-101-disk-0,size=8G`; the volume may also be named, `volume=…`, and stand anywhere. */
export function volumeOf(rootfs: string): string | undefined {
  const fields = rootfs.split(',');
  const named = fields.find((field) => field.startsWith('volume='))?.slice('volume='.length);
  const first = fields[0] ?? '';
  const volume = named ?? (first.includes('=') ? '' : first);
  return /^[\x21-\x7e]{1,256}$/.test(volume) ? volume : undefined;
}

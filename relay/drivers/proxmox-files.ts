import { X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { pinOf } from './https-client.ts';
import { type GuestIdentity, volumeOf } from './proxmox-guests.ts';

/**
 * What a Proxmox VE host keeps in its cluster file system (pmxcfs, below /etc/pve), as root reads it there: before
 * the relay has a token there is no other way to ask.
 */
export type ProxmoxFiles = {
  /** The node's name, which is the host's. */
  readonly node: string;
  /** SHA-256 of the public key that the API presents: it survives renewals. */
  readonly spki: string;
  readonly guests: readonly (GuestIdentity & { readonly name: string })[];
};

const maxGuests = 256;

/** Null where this is no Proxmox VE host. */
export async function readProxmoxFiles(
  root = '/etc/pve',
  node = hostname().split('.')[0]!,
): Promise<ProxmoxFiles | null> {
  const folder = join(root, 'nodes', node);
  // pveproxy presents the owner's certificate where there is one (pveproxy(8)).
  const certificate =
    (await readText(join(folder, 'pveproxy-ssl.pem'))) ?? (await readText(join(folder, 'pve-ssl.pem')));
  if (certificate === null) return null;
  const spki = pinOf(new X509Certificate(certificate), 'spki');
  const qemu = await readGuests(join(folder, 'qemu-server'), (vmid, settings) => {
    const uuid = /(?:^|,)uuid=([0-9a-fA-F-]{36})(?:,|$)/.exec(settings.get('smbios1') ?? '')?.[1];
    return uuid === undefined
      ? null
      : { kind: 'qemu', vmid, uuid: uuid.toLowerCase(), name: settings.get('name') ?? '' };
  });
  const lxc = await readGuests(join(folder, 'lxc'), (vmid, settings) => {
    const rootfs = volumeOf(settings.get('rootfs') ?? '');
    return rootfs === undefined ? null : { kind: 'lxc', vmid, rootfs, name: settings.get('hostname') ?? '' };
  });
  return { node, spki, guests: [...qemu, ...lxc].slice(0, maxGuests) };
}

/** What pins a container of this host, as it is now: the volume of its root file system. Null where there is none. */
export async function readContainerRoot(
  vmid: number,
  root = '/etc/pve',
  node = hostname().split('.')[0]!,
): Promise<string | null> {
  const text = await readText(join(root, 'nodes', node, 'lxc', `${vmid}.conf`));
  return text === null ? null : (volumeOf(readSettings(text).get('rootfs') ?? '') ?? null);
}

type Found = ProxmoxFiles['guests'][number];

async function readGuests(
  folder: string,
  identify: (vmid: number, settings: ReadonlyMap<string, string>) => Found | null,
): Promise<Found[]> {
  const guests: Found[] = [];
  const names = await readdir(folder).catch(() => []);
  for (const file of names.sort()) {
    const vmid = /^([1-9]\d{2,8})\.conf$/.exec(file)?.[1];
    const text = vmid === undefined ? null : await readText(join(folder, file));
    if (vmid === undefined || text === null) continue;
    const settings = readSettings(text);
    if (settings.get('template') === '1') continue;
    const guest = identify(Number(vmid), settings);
    if (guest !== null) guests.push(guest);
  }
  return guests;
}

/** The current settings of a guest's file; what stands below the first `[…]` is of snapshots. */
function readSettings(text: string): Map<string, string> {
  const settings = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line.startsWith('[')) break;
    const match = /^([a-z][a-z0-9_-]*):\s*(.*?)\s*$/.exec(line);
    if (match !== null) settings.set(match[1]!, match[2]!);
  }
  return settings;
}

const readText = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null;
  }
};

import { readdir, readFile, stat } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { ok, type Result, refuse } from '../../schema/result.ts';
import type { HostFacts } from '../../schema/wire/report.ts';
import type { Proxmox } from '../drivers/proxmox.ts';
import { identityText } from '../drivers/proxmox-guests.ts';

const maxMacs = 32;
const maxGuests = 256;
const macPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/**
 * What a host says of itself at enrolment: its name, the MACs of its network cards, and the guests that its
 * Proxmox knows, with what pins them. Guests without an identity are left out: they could not be adopted.
 */
export async function gatherHostFacts(
  proxmox: Proxmox | null,
  signal: AbortSignal,
): Promise<Result<HostFacts, string>> {
  const guests: HostFacts['guests'][number][] = [];
  if (proxmox !== null) {
    const listed = await proxmox.listGuests(signal);
    if (!listed.ok) return refuse(listed.reason, listed.detail);
    for (const guest of listed.value) {
      if (guest.template) continue;
      if (guests.length === maxGuests) break;
      const found = await proxmox.guestIdentity(guest, signal);
      if (!found.ok && found.reason === 'no_identity') continue;
      if (!found.ok) return refuse(found.reason, found.detail);
      const identity = identityText(found.value);
      if (identity.length > 128) continue;
      guests.push({ vmid: guest.vmid, kind: guest.kind, name: (guest.name ?? '').slice(0, 64), identity });
    }
  }
  return ok({ hostname: hostname().slice(0, 64), macs: await findMacs(), guests });
}

/** Of cards with hardware behind them, where the system tells; otherwise of all that are not internal. */
async function findMacs(): Promise<string[]> {
  const folder = '/sys/class/net';
  const physical: string[] = [];
  try {
    for (const name of (await readdir(folder)).sort()) {
      const hasDevice = await stat(join(folder, name, 'device')).then(
        () => true,
        () => false,
      );
      if (!hasDevice) continue;
      physical.push((await readFile(join(folder, name, 'address'), 'utf8')).trim().toLowerCase());
    }
  } catch {
    // Not every system shows its cards there.
  }
  const others = Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).filter(({ internal }) => !internal).map(({ mac }) => mac.toLowerCase()),
  );
  const usable = (mac: string): boolean => macPattern.test(mac) && mac !== '00:00:00:00:00:00';
  const found = physical.some(usable) ? physical : others;
  return [...new Set(found.filter(usable))].slice(0, maxMacs);
}

import { own } from '../../../../schema/wire/record.ts';
import type { Home } from '../../home.ts';
import { byText } from '../../repo.ts';
import type { Generator } from '../generator.ts';
import { houseMetricsProgram } from './metrics-program.ts';

type Output = Generator['outputs'][string];

/** What the program is to look for on one host: guests that jobs back up, each with the storage that has the backups. */
export function backupsOn(
  home: Home,
  host: string,
): { readonly guest: string; readonly vmid: number; readonly storage: string; readonly id: string }[] {
  const found = new Map<string, { guest: string; vmid: number; storage: string; id: string }>();
  for (const { guests, storage } of Object.values(home.backups)) {
    for (const guest of guests) {
      const machine = own(home.guests, guest);
      if (machine?.host !== host) continue;
      const id = own(home.storage, storage)?.id ?? storage;
      found.set(`${guest} ${storage}`, { guest, vmid: machine.vmid, storage, id });
    }
  }
  return [...found.values()].sort((a, b) => byText(a.guest, b.guest) || byText(a.storage, b.storage));
}

/** Storages of a host as its Proxmox VE calls them. */
export const storagesOn = (home: Home, host: string): { readonly storage: string; readonly id: string }[] =>
  Object.entries(home.storage)
    .filter(([, storage]) => storage.host === host)
    .map(([storage, { id }]) => ({ storage, id: id ?? storage }))
    .sort((a, b) => byText(a.storage, b.storage));

/** An output of the generator of Proxmox VE: what of a host no exporter tells. */
export const houseMetrics: Output = {
  about:
    'a program that writes metrics of thin pools, storages and backups for node-exporter’s textfile collector',
  kind: 'file',
  needed: () => [],
  generate: ({ home, target }) => {
    const asked = { backups: backupsOn(home, target.name), storages: storagesOn(home, target.name) };
    return {
      made: { kind: 'file', text: `${houseMetricsProgram}${JSON.stringify(asked, null, 1)}\n` },
      ...(!Object.hasOwn(home.hosts, target.name) && {
        doubts: [
          {
            severity: 'error' as const,
            code: 'unknown_host',
            message: `metrics of Proxmox VE are of a host, and ${target.name} is none`,
          },
        ],
      }),
    };
  },
};

import { toBytes } from '../../../schema/jose/digest.ts';
import type { Homelab } from '../../../schema/manifest/homelab.ts';
import { readHomelab } from '../read/homelab.ts';
import type { RepoFiles } from '../repo.ts';
import type { Note } from './found.ts';
import { type Additions, extendHomelab, newHomelab } from './homelab-file.ts';
import { freeName, toName } from './unit-names.ts';

/** What is said of the machine whose files are adopted; of a guest at least its host and VMID. */
export type MachineFacts = {
  readonly name: string;
  readonly host?: string;
  readonly vmid?: number;
  readonly kind?: 'qemu' | 'lxc';
  readonly address?: string;
  readonly podman?: string;
};

/** A guest as Proxmox VE lists it. */
export type ListedGuest = {
  readonly name: string;
  readonly node: string;
  readonly vmid: number;
  readonly kind: 'qemu' | 'lxc';
  readonly address?: string;
};

export type HomelabChange = {
  /** Absent where the file stays as it is. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  /** Names of hosts and guests that come in. */
  readonly added: readonly string[];
  readonly domain?: string;
  /** The Podman that the machine is said to have. */
  readonly podman?: string;
  readonly notes: readonly Note[];
  readonly blocking: readonly Note[];
};

const path = 'homelab.yaml';

/** homelab.yaml with the machine in it, and with the guests that Proxmox VE lists; what it says already stays. */
export function changeHomelab(
  repo: RepoFiles,
  facts: MachineFacts,
  listed: readonly ListedGuest[],
  domain: string | undefined,
): HomelabChange {
  const bytes = repo.get(path);
  const homelab = bytes === undefined ? undefined : readHomelab(path, bytes).homelab;
  const known = homelab?.guests[facts.name] ?? homelab?.hosts[facts.name];
  const site = homelab?.site?.domain;
  const blocking = known === undefined ? [] : contradictions(facts, known);
  if (bytes !== undefined && domain !== undefined && domain !== site) {
    const message = `its site has ${site ?? 'nothing'} as its domain, and ${domain} was given: change it by hand`;
    blocking.push({ path, code: 'homelab', message });
  }
  const additions = additionsFor(homelab, facts, listed);
  const added = [...Object.keys(additions.hosts), ...Object.keys(additions.guests)];
  const base = {
    added,
    ...((site ?? domain) !== undefined && { domain: site ?? domain! }),
    ...((known?.podman ?? facts.podman) !== undefined && { podman: known?.podman ?? facts.podman! }),
    notes:
      additions.hosts[facts.name]?.proxmox === false
        ? [
            {
              path: facts.name,
              code: 'machine_assumed' as const,
              message: 'it was taken for a host without Proxmox VE; --host and --vmid make it a guest',
            },
          ]
        : [],
  };
  if (bytes === undefined) {
    return { ...base, bytes: toBytes(newHomelab(additions, domain)), blocking };
  }
  if (added.length === 0) return { ...base, blocking };
  const text = extendHomelab(new TextDecoder().decode(bytes), additions);
  if (text !== null) return { ...base, bytes: toBytes(text), blocking };
  const message = `it is written so that nothing can be put in: add ${added.join(' and ')} by hand`;
  return { ...base, blocking: [...blocking, { path, code: 'homelab', message }] };
}

function contradictions(facts: MachineFacts, known: object): Note[] {
  const said = known as Readonly<Record<string, unknown>>;
  return (['host', 'vmid', 'kind', 'address', 'podman'] as const).flatMap((key): Note[] => {
    if (facts[key] === undefined || said[key] === facts[key]) return [];
    const there = said[key] === undefined ? 'nothing' : String(said[key]);
    const message = `${facts.name} has ${there} as its ${key} there, and ${facts[key]} was given: change it by hand`;
    return [{ path, code: 'homelab', message }];
  });
}

function additionsFor(
  homelab: Homelab | undefined,
  facts: MachineFacts,
  listed: readonly ListedGuest[],
): Additions {
  const hosts: Record<string, Record<string, unknown>> = {};
  const guests: Record<string, Record<string, unknown>> = {};
  const isThere = (name: string): boolean =>
    [homelab?.hosts, homelab?.guests, hosts, guests].some(
      (all) => all !== undefined && Object.hasOwn(all, name),
    );
  const seats = new Set(Object.values(homelab?.guests ?? {}).map(({ host, vmid }) => `${host}/${vmid}`));
  const addresses = new Set<string>();
  const own = {
    ...(facts.address !== undefined && { address: facts.address }),
    ...(facts.podman !== undefined && { podman: facts.podman }),
  };
  for (const node of [
    ...listed.map((guest) => toName(guest.node)),
    ...(facts.host === undefined ? [] : [facts.host]),
  ])
    if (!isThere(node)) hosts[node] = {};
  const addGuest = (name: string, guest: Omit<ListedGuest, 'name'>, more: object): void => {
    const { node, vmid, kind, address } = guest;
    seats.add(`${node}/${vmid}`);
    const isFree = address !== undefined && !addresses.has(address);
    if (isFree) addresses.add(address);
    guests[name] = { host: node, vmid, ...(kind === 'lxc' && { kind }), ...(isFree && { address }), ...more };
  };
  // By its VMID, or by its name: what Proxmox VE says of the machine itself.
  const self = listed.find(({ name, node, vmid }) =>
    facts.vmid === undefined
      ? toName(name) === facts.name
      : vmid === facts.vmid && toName(node) === facts.host,
  );
  if (!isThere(facts.name)) {
    const host = facts.host ?? (self === undefined ? undefined : toName(self.node));
    const vmid = facts.vmid ?? self?.vmid;
    if (host !== undefined && vmid !== undefined) {
      const address = facts.address ?? self?.address;
      const kind = facts.kind ?? self?.kind ?? 'qemu';
      addGuest(facts.name, { node: host, vmid, kind, ...(address !== undefined && { address }) }, own);
    } else hosts[facts.name] = { proxmox: false, ...own };
  }
  for (const guest of listed) {
    const node = toName(guest.node);
    if (seats.has(`${node}/${guest.vmid}`)) continue;
    const name = freeName(toName(guest.name), isThere);
    addGuest(name, { ...guest, node }, {});
  }
  return { hosts, guests };
}

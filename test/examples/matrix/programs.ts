import { parse } from 'yaml';
import { readAuthelia } from '../../support/authelia-reader.ts';
import { readTraefik, type TraefikReader } from '../../support/traefik-reader.ts';
import { ownerOf, type Person } from './cell.ts';
import { type HaproxyReader, readHaproxy } from './haproxy-reader.ts';
import { type HeadscaleReader, type Node, readHeadscale } from './headscale-reader.ts';
import type { Machine, Said } from './said.ts';
import { readUnbound, type UnboundReader } from './unbound-reader.ts';

/** Files of a release: texts by machine and path. */
export type Files = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** The programs of a home, each read from its own files. */
export type Programs = {
  readonly haproxy: ReadonlyMap<string, HaproxyReader>;
  readonly traefik: ReadonlyMap<string, Traefik>;
  readonly authelia: ReturnType<typeof readAuthelia>;
  /** By the machine that answers: Unbound where it is, and pfSense on the router. */
  readonly names: ReadonlyMap<string, UnboundReader>;
  readonly tailnet: Tailnet;
};

export type Traefik = TraefikReader & {
  /** From whom what is said of a request is believed, by entry point. */
  readonly forwarded: Readonly<Record<string, readonly string[]>>;
};

export type Tailnet = HeadscaleReader & {
  device(person: Person): Node;
  node(machine: string): Node;
  /** The address of a name that the tailnet's own DNS has. */
  record(name: string): string | undefined;
  /** Who is asked for other names of a domain. */
  readonly asked: (name: string) => readonly string[];
};

export const deviceAddresses = { family: '100.64.0.201', admin: '100.64.0.202' } as const;

/** Reads every file that decides who gets in. Throws where one is missing or holds what is not read. */
export function readPrograms(files: Files, said: Said): Programs {
  const found = (wanted: RegExp): { machine: string; path: string; text: string }[] =>
    [...files].flatMap(([machine, all]) =>
      [...all].filter(([path]) => wanted.test(path)).map(([path, text]) => ({ machine, path, text })),
    );
  const one = (wanted: RegExp): string => {
    const all = found(wanted);
    if (all.length !== 1) throw new Error(`${all.length} files are ${wanted}`);
    return all[0]!.text;
  };
  const guarded = [...files.values()]
    .flatMap((all) => [...all.values()])
    .filter((text) => text.includes('\naccess_control:\n') || text.startsWith('access_control:\n'));
  if (guarded.length !== 1) throw new Error(`${guarded.length} files have an access_control`);

  const names = new Map<string, UnboundReader>();
  for (const { machine } of found(/^\/etc\/unbound\/.*\.conf$/)) {
    const texts = found(/^\/etc\/unbound\/.*\.conf$/).filter((file) => file.machine === machine);
    names.set(machine, readUnbound(texts.map(({ text }) => text)));
  }
  // The router's list is brought there from another machine; so are its wildcards, by a person.
  const overrides = found(/\/host-overrides\.json$/)[0];
  if (overrides !== undefined) {
    const byHand = found(/\/pfsense\/custom\.conf$/).map(({ text }) => text);
    names.set('router', readUnbound([...byHand, overridesText(overrides.text)]));
  }

  return {
    haproxy: new Map(
      found(/\/haproxy\.cfg$/).map(({ machine, text }) => [
        machine,
        readHaproxy(text, (path) => files.get(machine)!.get(path)!),
      ]),
    ),
    traefik: new Map(
      found(/\/traefik\.yml$/).map(({ machine, text }) => {
        const dynamic = found(/\/traefik\/dynamic\/[^/]+\.yml$/).filter((file) => file.machine === machine);
        if (dynamic.length !== 1) throw new Error(`${dynamic.length} dynamic files on ${machine}`);
        return [machine, { ...readTraefik(text, dynamic[0]!.text), forwarded: forwardedOf(text) }];
      }),
    ),
    authelia: readAuthelia(guarded[0]!),
    names,
    tailnet: readTailnet(
      said,
      one(/\/headscale\/policy\.json$/),
      one(/\/headscale\/records\.json$/),
      one(/\/headscale\/config\.yaml$/),
    ),
  };
}

function forwardedOf(text: string): Traefik['forwarded'] {
  const { entryPoints } = parse(text) as {
    entryPoints: Record<string, { forwardedHeaders?: { trustedIPs?: string[]; insecure?: boolean } }>;
  };
  return Object.fromEntries(
    Object.entries(entryPoints).map(([name, { forwardedHeaders: given }]) => [
      name,
      given?.insecure === true ? ['0.0.0.0/0'] : (given?.trustedIPs ?? []),
    ]),
  );
}

/** pfSense's list of names as its resolver, which is Unbound, has them. */
function overridesText(text: string): string {
  const list = JSON.parse(text) as { host: string; domain: string; ip: string[] }[];
  return list
    .map(({ host, domain, ip }) => `local-data: "${host === '' ? '' : `${host}.`}${domain}. IN A ${ip[0]}"`)
    .join('\n');
}

/** What is to be known of the tailnet beside its files: which nodes there are, and whose tags they have. */
function nodeOf({ name, kind, tailnet }: Machine, edges: readonly string[]): Node {
  const tag = `tag:${edges.includes(name) ? 'edge' : kind}`;
  return { addresses: tailnet === undefined ? [] : [tailnet], tags: [tag], users: [] };
}

function readTailnet(said: Said, policy: string, records: string, config: string): Tailnet {
  const machines = new Map([...said.machines].map(([name, one]) => [name, nodeOf(one, said.edges)]));
  const names = (isAdmin: boolean): string[] =>
    said.people
      .filter(({ groups }) => groups.includes('admins') === isAdmin && (isAdmin || groups.includes('family')))
      .map(({ name }) => name);
  const devices = {
    family: { addresses: [deviceAddresses.family], tags: [], users: names(false) },
    admin: {
      addresses: [deviceAddresses.admin],
      tags: [],
      users: said.people.length === 0 ? ['admin'] : names(true),
    },
  };
  const known = JSON.parse(records) as { name: string; type: string; value: string }[];
  const { dns } = parse(config) as {
    dns: { nameservers: { global?: string[]; split?: Record<string, string[]> } };
  };
  return {
    ...readHeadscale(policy, [...machines.values(), ...Object.values(devices)]),
    device: (person) => devices[ownerOf[person]],
    node: (machine) => machines.get(machine)!,
    record: (name) => known.find((one) => one.name === name && one.type === 'A')?.value,
    asked: (name) => {
      const [, servers] = Object.entries(dns.nameservers.split ?? {})
        .filter(([domain]) => name === domain || name.endsWith(`.${domain}`))
        .sort(([a], [b]) => b.length - a.length)[0] ?? ['', dns.nameservers.global ?? []];
      return servers;
    },
  };
}

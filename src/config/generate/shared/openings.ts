import {
  canonicalV4,
  contains,
  overlaps,
  parseSubnet,
  type Subnet,
} from '../../../../schema/manifest/address.ts';
import { didYouMean } from '../../../../schema/near.ts';
import { unlessMachine } from '../../broken.ts';
import { machineNames, machineOf } from '../../compile/routes.ts';
import type { Place } from '../../finding.ts';
import type { Home, Target } from '../../home.ts';
import { byText } from '../../repo.ts';
import type { Tell } from '../generator.ts';

/** A port of a machine that something outside of it may speak to. */
export type Opening = {
  readonly port: number;
  readonly proto: 'tcp' | 'udp';
  /** Names of networks and machines, addresses and subnets, sorted; null: everyone. */
  readonly from: readonly string[] | null;
  /** Apps that answer there, sorted. */
  readonly apps: readonly string[];
};

/** Where the tailnet's addresses are. */
export const tailnetRange = '100.64.0.0/10';

type Draft = { port: number; proto: 'tcp' | 'udp'; from: readonly string[] | null; app: string };

/**
 * Every port of a machine that others speak to, sorted: what its apps say in `ports`, what apps on other machines use or
 * ask for metrics, and what proxies on other machines hand on. Of a proxy also its own ports, where its app says nothing
 * of them.
 */
export function openingsOf(home: Home, target: Target, tell: Tell): Opening[] {
  const drafts: Draft[] = [];
  const said = new Set<string>();
  for (const { app, place } of home.instances.filter((one) => one.target === target.name)) {
    for (const { port, proto, from } of home.apps[app]?.file.ports ?? []) {
      for (const name of from ?? []) judgeSource(home, name, tell, place);
      drafts.push({ port, proto, from: from ?? null, app });
      said.add(`${proto} ${port}`);
    }
  }
  for (const { from, to, port } of home.flows) {
    if (to.target !== target.name || port === undefined) continue;
    // On one machine containers meet in a network of theirs; only what uses the machine's own is spoken to outside of it.
    if (from.target === target.name && !usesMachine(home, to)) continue;
    const own = (home.apps[to.app]?.file.ports ?? []).filter((one) => one.port === port);
    const proto = own.length > 0 && own.every((one) => one.proto === 'udp') ? 'udp' : 'tcp';
    drafts.push({ port, proto, from: [from.target], app: to.app });
  }
  for (const { target: on, proxy, upstream, app } of home.routes) {
    if (on !== target.name || upstream === undefined) continue;
    // By an address: the app is in no network of containers.
    if (proxy === target.name && upstream.host !== target.address) continue;
    drafts.push({ port: upstream.port, proto: 'tcp', from: [proxy], app });
  }
  for (const { app, files, target: on } of home.instances) {
    if (on !== target.name || !files.some(({ generate }) => generate?.startsWith('traefik/'))) continue;
    const { ports, edges } = home.ingress;
    // The tailnet's people come to proxies, too; public machines are held back by name.
    const inside = [...Object.keys(home.networks), ...(target.tailnet === undefined ? [] : [tailnetRange])];
    for (const [port, from] of [
      [ports.http, inside],
      [ports.home, inside],
      [ports.public, edges],
    ] as const) {
      if (!said.has(`tcp ${port}`) && from.length > 0) drafts.push({ port, proto: 'tcp', from, app });
    }
  }
  return merged(drafts);
}

const usesMachine = (
  home: Home,
  { app, target }: { readonly app: string; readonly target: string },
): boolean => {
  const boxes = home.instances
    .filter((one) => one.app === app && one.target === target)
    .flatMap((one) => one.units)
    .filter(({ name }) => /\.(container|pod|kube)$/.test(name));
  return boxes.length === 0 || boxes.some(({ text }) => /^\s*Network\s*=\s*host\s*$/m.test(text));
};

function merged(drafts: readonly Draft[]): Opening[] {
  const found = new Map<string, Opening>();
  for (const { port, proto, from, app } of drafts) {
    const key = `${proto} ${port}`;
    const known = found.get(key) ?? { port, proto, from: [], apps: [] };
    found.set(key, {
      port,
      proto,
      from: known.from === null || from === null ? null : [...new Set([...known.from, ...from])].sort(byText),
      apps: [...new Set([...known.apps, app])].sort(byText),
    });
  }
  return [...found.values()].sort((a, b) => byText(a.proto, b.proto) || a.port - b.port);
}

/** Tells of a source that is nothing of the home. */
export function judgeSource(home: Home, name: string, tell: Tell, place?: Place): void {
  if (parseSource(name) !== null || Object.hasOwn(home.networks, name)) return;
  const machine = machineOf(home, name);
  const at = place === undefined ? {} : { place };
  if (machine === undefined) {
    const message = `there is no network, host, guest or device ${name}`;
    const suggestion = didYouMean(name, [...Object.keys(home.networks), ...machineNames(home)]).trim();
    const unless = unlessMachine(name);
    tell({
      severity: 'error',
      code: 'unknown_target',
      message,
      ...(suggestion !== '' && { suggestion }),
      unless,
      ...at,
    });
  } else if (addressesOf(home, name).length === 0) {
    const message = `${name} states no address, so that nothing can be opened to it`;
    tell({ severity: 'error', code: 'address_missing', message, unless: [`${name}.address`], ...at });
  }
}

const parseSource = (name: string): Subnet | null => parseSubnet(name.includes('/') ? name : `${name}/32`);

/** Addresses and subnets that a source stands for; of a machine its own and that on the tailnet. */
export function addressesOf(home: Home, name: string): string[] {
  if (parseSource(name) !== null) return [name];
  if (Object.hasOwn(home.networks, name)) return [home.networks[name]!.subnet];
  const machine = machineOf(home, name);
  return [machine?.address, machine?.tailnet].filter((one) => one !== undefined);
}

/** Addresses and subnets in their order, without those that another one holds. */
export function joined(all: readonly string[]): string[] {
  const known = [...new Set(all)].map((text) => ({ text, subnet: parseSource(text)! }));
  return known
    .filter(({ subnet }, index) =>
      known.every(
        (other, at) =>
          at === index ||
          !overlaps(other.subnet, subnet) ||
          other.subnet.bits > subnet.bits ||
          (other.subnet.bits === subnet.bits && at > index),
      ),
    )
    .sort((a, b) => a.subnet.base - b.subnet.base)
    .map(({ text }) => text);
}

/** Whether one of these is the machine itself, or holds an address of it. */
export const coversMachine = (home: Home, names: readonly string[], machine: Target): boolean =>
  names.includes(machine.name) ||
  names
    .flatMap((name) => addressesOf(home, name))
    .some((text) =>
      [machine.address, machine.tailnet].some(
        (one) => one !== undefined && contains(parseSource(text)!, canonicalV4(one)!),
      ),
    );

import { canonicalV4, contains, parseSubnet } from '../../../../schema/manifest/address.ts';
import type { Home, Target } from '../../home.ts';
import { byText } from '../../repo.ts';
import type { Tell } from '../generator.ts';
import { hash } from '../podman/subnets.ts';
import { addressesOf, openingsOf } from '../shared/openings.ts';

/** Something that rules name: a network or a machine, with its addresses at home. */
export type Alias = { readonly name: string; readonly about: string; readonly addresses: readonly string[] };

/** From a network, or one machine of it, to a port of a machine in another network. */
export type Rule = {
  readonly network: string;
  readonly from: string;
  readonly to: string;
  readonly proto: 'tcp' | 'udp';
  readonly port: number;
  readonly apps: readonly string[];
};

export type RouterRules = { readonly aliases: readonly Alias[]; readonly rules: readonly Rule[] };

/**
 * What the router must let pass from one network of the home to another, sorted; what the repo opens to everyone is opened
 * to each network. What stays within a network, or comes by the tailnet or from outside, does not come by the router so.
 */
export function routerRules(home: Home, tell: Tell): RouterRules {
  const rules = new Map<string, Rule>();
  const machines = [
    ...Object.values(home.hosts),
    ...Object.values(home.guests),
    ...Object.values(home.devices),
  ];
  for (const target of machines) {
    const here = networkOf(home, target.address);
    if (here === undefined) continue;
    for (const { from, proto, port, apps } of openingsOf(home, target, tell)) {
      for (const source of (from ?? Object.keys(home.networks)).flatMap((name) => heldBy(home, name))) {
        for (const network of networksOf(home, source)) {
          if (network === here) continue;
          const rule = { network, from: source, to: target.name, proto, port, apps };
          rules.set([network, source, target.name, proto, port].join(' '), rule);
        }
      }
    }
  }
  const sorted = [...rules].sort(([a], [b]) => byText(a, b)).map(([, rule]) => rule);
  const named = new Set(sorted.flatMap(({ from, to }) => [from, to]));
  return {
    rules: sorted,
    aliases: [...named].sort(byText).map((name) => ({
      name,
      about: titleOf(home, machines, name),
      addresses: atHome(home, name),
    })),
  };
}

/** Of a subnet that holds whole networks of the home, those; all else is itself. */
function heldBy(home: Home, source: string): string[] {
  const subnet = parseSubnet(source);
  if (subnet === null) return [source];
  const held = Object.values(home.networks).filter((one) => {
    const { base, bits } = parseSubnet(one.subnet)!;
    return bits >= subnet.bits && contains(subnet, base);
  });
  return held.length === 0 ? [source] : held.map(({ name }) => name);
}

/** The network that an address is in. */
const networkOf = (home: Home, address: string | undefined): string | undefined =>
  address === undefined
    ? undefined
    : Object.values(home.networks).find(({ subnet }) =>
        contains(parseSubnet(subnet)!, canonicalV4(address.split('/')[0]!)!),
      )?.name;

const networksOf = (home: Home, source: string): string[] =>
  Object.hasOwn(home.networks, source)
    ? [source]
    : atHome(home, source).flatMap((address) => networkOf(home, address) ?? []);

/** Its addresses in networks of the home, as subnets. */
const atHome = (home: Home, name: string): string[] =>
  addressesOf(home, name)
    .filter((address) => networkOf(home, address) !== undefined)
    .map((address) => (address.includes('/') ? address : `${address}/32`));

const titleOf = (home: Home, machines: readonly Target[], name: string): string =>
  (Object.hasOwn(home.networks, name) ? home.networks[name]!.title : undefined) ??
  (machines.find((one) => one.name === name) as { title?: string } | undefined)?.title ??
  name;

/** A name that pfSense takes for an alias: 31 of letters, digits and `_`. What does not fit ends in a number of its own. */
export function aliasName(name: string): string {
  const plain = `writ_${name.replaceAll(/[^A-Za-z0-9]/g, '_')}`;
  if (plain.length <= 31 && /^[A-Za-z0-9-]+$/.test(name)) return plain;
  return `${plain.slice(0, 22)}_${hash(name).toString(16).padStart(8, '0')}`;
}

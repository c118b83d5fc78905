import { wholeName } from '../../compile/routes.ts';
import type { DnsName, Home } from '../../home.ts';
import { byText } from '../../repo.ts';
import type { Tell } from '../generator.ts';

type Addressed = DnsName & { readonly address: string };

/** The home's names as Unbound has them. */
export type LocalZones = {
  /** Zones below which every name has one address, sorted: what a wildcard becomes. */
  readonly wildcards: readonly { readonly zone: string; readonly address: string }[];
  /** Whole names with their addresses, sorted; the zones of wildcards are not among them. */
  readonly names: readonly Addressed[];
  /** Of them those below a wildcard, which are zones of their own, or the wildcard's answer would hide theirs. */
  readonly carved: readonly string[];
  /** Names that are looked up outside, sorted. */
  readonly outside: readonly string[];
};

/** @param transparent names that are looked up outside, at home, too; `*.` and a name: all below it */
export function localZones(home: Home, transparent: readonly string[], tell: Tell): LocalZones {
  const given = transparent.map((name) => wholeName(name, home.site.domain));
  const outside = new Set(given.map(bare));
  const below = given.filter((name) => name.startsWith('*.')).map((name) => name.slice(1));
  const stated: Addressed[] = [];
  for (const one of home.names) {
    const { name, address, target } = one;
    if (given.includes(name) || below.some((end) => name.endsWith(end))) continue;
    if (address !== undefined) stated.push({ ...one, address });
    // What is public has an address outside; what is not would have none at all.
    else if (one.public) outside.add(bare(name));
    else {
      const message = `${name} is left out: ${target} states no address at home`;
      tell({ severity: 'warning', code: 'address_missing', message, unless: [`${target}.address`] });
    }
  }
  const wildcards = stated
    .filter(({ name }) => name.startsWith('*.'))
    .map(({ name, address }) => ({ zone: bare(name), address }));
  const zones = new Set(wildcards.map(({ zone }) => zone));
  const names = stated.filter(({ name }) => !name.startsWith('*.') && !zones.has(name));
  for (const { zone, address } of wildcards) {
    const own = stated.find(({ name }) => name === zone);
    if (own?.address !== address) {
      const instead = own === undefined ? '' : `, not ${own.address}`;
      const message = `${zone} gets the address ${address} of *.${zone}${instead}: Unbound has one for both`;
      tell({ severity: 'warning', code: 'name_otherwise', message });
    }
    outside.delete(zone);
  }
  return {
    wildcards,
    names,
    carved: names
      .map(({ name }) => name)
      .filter((name) => wildcards.some(({ zone }) => name.endsWith(`.${zone}`))),
    outside: [...outside].sort(byText),
  };
}

const bare = (name: string): string => (name.startsWith('*.') ? name.slice(2) : name);

/** The lines that wildcards take in a `server:` section. */
export const wildcardLines = ({ wildcards, carved, outside }: LocalZones, carvedType: string): string[] => [
  ...wildcards.map(({ zone }) => zoneLine(zone, 'redirect')),
  ...carved.map((name) => zoneLine(name, carvedType)),
  ...outside.map((name) => zoneLine(name, 'transparent')),
];

export const zoneLine = (name: string, type: string): string => `local-zone: "${name}." ${type}`;

export const addressLine = (name: string, address: string, ttl: number): string =>
  `local-data: "${name}. ${ttl} IN A ${address}"`;

import { overlaps, parseSubnet, type Subnet } from '../../../../schema/manifest/address.ts';

const text = (value: number): string =>
  [24, 16, 8, 0].map((bits) => Math.floor(value / 2 ** bits) % 256).join('.');

/** The subnet as text, and the first address in it, which is the machine's own. */
export const subnetLines = ({ base, bits }: Subnet): string[] => [
  `Subnet=${text(base)}/${bits}`,
  `Gateway=${text(base + 1)}`,
];

/** Networks of a few containers: 14 addresses. */
const bits = 28;

/**
 * A subnet of the pool for each name, in the order of the names. Where a name's subnet lies comes from the name itself,
 * so that one more name moves none of the others, unless two fall on one place. What is taken is passed over. Undefined
 * for what does not fit.
 */
export function allotSubnets(
  names: readonly string[],
  pool: Subnet,
  taken: readonly Subnet[],
): ReadonlyMap<string, Subnet | undefined> {
  const places = 2 ** (bits - pool.bits);
  const used = new Set<number>();
  const allotted = new Map<string, Subnet | undefined>();
  for (const name of names) {
    let found: Subnet | undefined;
    const start = hash(name) % places;
    for (let step = 0; step < places && found === undefined; step += 1) {
      const place = (start + step) % places;
      const subnet = { base: pool.base + place * 2 ** (32 - bits), bits };
      if (used.has(place) || taken.some((one) => overlaps(one, subnet))) continue;
      used.add(place);
      found = subnet;
    }
    allotted.set(name, found);
  }
  return allotted;
}

/** FNV-1a: spreads short names well, and needs no more than that. */
export function hash(name: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

/** Subnets and single addresses of the home, which no network of containers may cover. */
export const takenBy = (given: readonly (string | undefined)[]): Subnet[] =>
  given.flatMap((one): Subnet[] => {
    if (one === undefined) return [];
    const subnet = parseSubnet(one.includes('/') ? one : `${one}/32`);
    return subnet === null ? [] : [subnet];
  });

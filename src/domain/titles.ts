import type { House } from '../../schema/trust/document.ts';

/** How to call a host or guest in a sentence: "the tower", else its name. */
export function titleOf(house: House, name: string): string {
  if (Object.hasOwn(house.hosts, name)) return house.hosts[name]?.title ?? name;
  if (Object.hasOwn(house.guests, name)) return house.guests[name]?.title ?? name;
  return name;
}

import { canonicalV4 } from '../manifest/address.ts';

/** Names for which an intermediate may speak, and so all others for which it may not. */
export type Permitted = {
  /** Each stands for itself and for all below it (RFC 5280, 4.2.1.10). */
  readonly dns: readonly string[];
  /** IPv4 addresses, each alone. */
  readonly ips: readonly string[];
};

export const isAddress = (name: string): boolean => canonicalV4(name) !== null;

/** The four bytes of an IPv4 address. */
export const addressBytes = (address: string): Uint8Array => Uint8Array.from(address.split('.').map(Number));

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const hostName = new RegExp(`^(?:\\*\\.)?(?:${label}\\.)*${label}$`);
/** A name as hosts have them, of which the first label may be `*`. What else a text may hold, readers tell apart. */
const isHostName = (name: string): boolean => name.length <= 253 && hostName.test(name);

const covers = (base: string, name: string): boolean => name === base || name.endsWith(`.${base}`);

/** Whether a certificate for this name is believed under an intermediate with these constraints. */
export const isPermitted = ({ dns, ips }: Permitted, name: string): boolean =>
  isAddress(name) ? ips.includes(name) : isHostName(name) && dns.some((base) => covers(base, name));

/** The fewest constraints that permit all of these names, sorted. */
export function permit(names: readonly string[]): Permitted {
  const dns = [...new Set(names.filter((name) => !isAddress(name)))];
  return {
    dns: dns.filter((name) => !dns.some((base) => base !== name && covers(base, name))).sort(),
    ips: [...new Set(names.filter(isAddress))].sort(),
  };
}

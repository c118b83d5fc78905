import { canonicalV4 } from '../manifest/address.ts';

export type Ip = { readonly version: 4 | 6; readonly value: bigint };
export type Cidr = Ip & { readonly bits: number };

const width = { 4: 32n, 6: 128n } as const;

/** An IPv4 or IPv6 address, or null. */
export function parseIp(text: string): Ip | null {
  const four = canonicalV4(text);
  if (four !== null) return { version: 4, value: BigInt(four) };
  if (!/^[0-9a-fA-F:.]+$/.test(text) || !text.includes(':')) return null;
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const groups = halves.map((half) => (half === '' ? [] : groupsOf(half)));
  const [head, tail] = groups;
  if (head === undefined || head === null || tail === null) return null;
  const count = head.length + (tail?.length ?? 0);
  if (tail === undefined ? count !== 8 : count > 7) return null;
  const all = tail === undefined ? head : [...head, ...Array<bigint>(8 - count).fill(0n), ...tail];
  return { version: 6, value: all.reduce((sum, group) => (sum << 16n) | group, 0n) };
}

function groupsOf(half: string): bigint[] | null {
  const groups: bigint[] = [];
  const parts = half.split(':');
  for (const [index, part] of parts.entries()) {
    const four = index === parts.length - 1 ? canonicalV4(part) : null;
    if (four !== null) groups.push(BigInt(four >>> 16), BigInt(four & 0xffff));
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(BigInt(`0x${part}`));
    else return null;
  }
  return groups;
}

/** `10.89.0.0/24` or `fd00::/64`, host bits as they are, or null. */
export function parseCidr(text: string): Cidr | null {
  const [address, bits, more] = text.split('/');
  if (address === undefined || bits === undefined || more !== undefined) return null;
  const ip = parseIp(address);
  if (ip === null || !/^(0|[1-9][0-9]{0,2})$/.test(bits) || BigInt(bits) > width[ip.version]) return null;
  return { ...ip, bits: Number(bits) };
}

const baseOf = ({ version, value }: Ip, bits: number): bigint => {
  const hosts = width[version] - BigInt(bits);
  return (value >> hosts) << hosts;
};

export const hasHostBits = (cidr: Cidr): boolean => baseOf(cidr, cidr.bits) !== cidr.value;

export const holds = (cidr: Cidr, ip: Ip): boolean =>
  cidr.version === ip.version && baseOf(cidr, cidr.bits) === baseOf(ip, cidr.bits);

export const cidrsOverlap = (a: Cidr, b: Cidr): boolean => (a.bits <= b.bits ? holds(a, b) : holds(b, a));

/** One way to write each address, so that equal ones are found. */
export const ipKey = ({ version, value }: Ip): string => `${version}/${value}`;

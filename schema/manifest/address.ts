/** The IPv4 address as a number, or null when it is not written as four decimal bytes. */
export function canonicalV4(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let value = 0;
  for (const part of parts) {
    // Leading zeros are octal to some programs.
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return null;
    value = value * 256 + Number(part);
  }
  return value;
}

export type Subnet = { readonly base: number; readonly bits: number };

/** A subnet such as 192.168.20.0/24, or null when malformed or when host bits are set. */
export function parseSubnet(text: string): Subnet | null {
  const [address, bits, more] = text.split('/');
  if (address === undefined || bits === undefined || more !== undefined) return null;
  const base = canonicalV4(address);
  if (base === null || !/^(0|[1-9][0-9]?)$/.test(bits) || Number(bits) > 32) return null;
  return base % 2 ** (32 - Number(bits)) === 0 ? { base, bits: Number(bits) } : null;
}

export const contains = ({ base, bits }: Subnet, address: number): boolean =>
  address >= base && address < base + 2 ** (32 - bits);

export const overlaps = (a: Subnet, b: Subnet): boolean =>
  a.bits <= b.bits ? contains(a, b.base) : contains(b, a.base);

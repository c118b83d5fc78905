/** IPv4 addresses and networks, as the programs compare them. */

const numberOf = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

/** Whether an address is in a network, or is that address. */
export function isIn(address: string, network: string): boolean {
  const [base, bits = '32'] = network.split('/');
  const size = 2 ** (32 - Number(bits));
  return Math.floor(numberOf(address) / size) === Math.floor(numberOf(base!) / size);
}

/** An address of a network, by its number there. */
export function addressIn(network: string, index: number): string {
  const number = numberOf(network.split('/')[0]!) + index;
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

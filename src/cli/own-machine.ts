import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Whether an origin is this very machine: loopback, or an address that one of its interfaces has. */
export function isOwnMachine(origin: string): boolean {
  const host = new URL(origin).hostname.replace(/^\[|\]$/g, '');
  if (isLoopback(host)) return true;
  if (isIP(host) === 0) return false;
  return Object.values(networkInterfaces())
    .flat()
    .some((one) => one?.address === host);
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);

/** Whether it stands for all addresses of a machine. */
export const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

/** Every address of this machine that others may reach, IPv4 first, IPv6 in brackets. */
export function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .filter(({ internal, address }) => !internal && !address.toLowerCase().startsWith('fe80'));
  const v4 = all.filter(({ family }) => family === 'IPv4').map(({ address }) => address);
  const v6 = all.filter(({ family }) => family === 'IPv6').map(({ address }) => `[${address}]`);
  return [...v4, ...v6];
}

/** Whether an address is of a network that the internet does not reach (RFC 1918). The tailnet's are none of these. */
export const isPrivate = (address: string): boolean =>
  /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)/.test(address);

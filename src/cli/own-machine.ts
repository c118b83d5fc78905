import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Whether an origin is this very machine: loopback, or an address that one of its interfaces has. */
export function isOwnMachine(origin: string): boolean {
  const host = new URL(origin).hostname.replace(/^\[|\]$/g, '');
  if (host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)) return true;
  if (isIP(host) === 0) return false;
  return Object.values(networkInterfaces())
    .flat()
    .some((one) => one?.address === host);
}

import { once } from 'node:events';
import type { Socket } from 'node:net';

// HAProxy's PROXY protocol, version 2, section 2.2.
const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/** A header that says: TCP over IPv4 from `source` to `destination`. */
export function proxyHeader(source: string, destination: string): Buffer {
  const bytes = (address: string): number[] => address.split('.').map(Number);
  const ports = [0xd4, 0x31, 0x01, 0xbb];
  return Buffer.from([...signature, 0x21, 0x11, 0, 12, ...bytes(source), ...bytes(destination), ...ports]);
}

/**
 * Reads a header from the front of a connection, and leaves what follows in it.
 *
 * @returns the source that it names; `local` where the proxy speaks for itself; null where there is no header
 */
export async function readProxyHeader(socket: Socket): Promise<string | 'local' | null> {
  const head = await take(socket, 16);
  if (!head.subarray(0, 12).equals(signature)) {
    if (head.length > 0) socket.unshift(head);
    return null;
  }
  const addresses = await take(socket, head.readUInt16BE(14));
  if ((head[12]! & 0x0f) === 0) return 'local';
  return head[13] === 0x11 ? [...addresses.subarray(0, 4)].join('.') : null;
}

/** So many bytes, or what there is at the end. */
async function take(socket: Socket, count: number): Promise<Buffer> {
  while (!socket.destroyed && !socket.readableEnded) {
    const chunk = socket.read(count) as Buffer | null;
    if (chunk !== null) return chunk;
    await Promise.race([once(socket, 'readable'), once(socket, 'close')]);
  }
  return Buffer.alloc(0);
}

import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import * as tls from 'node:tls';
import { makeServerCertificate, type ServerCertificate } from './certificate.ts';

/**
 * A TLS server that answers each request with the very bytes that a test wrote down. It knows nothing of HTTP but
 * where a request ends, so that no library of ours or Node's tidies an answer up.
 */
export type RawStub = {
  readonly url: string;
  readonly pins: ServerCertificate['pins'];
  /** Everything that clients sent inside TLS, one string a request. */
  readonly received: readonly string[];
  /** How many TLS handshakes were completed, and how many bytes came through any of them. */
  readonly handshakes: number;
  readonly bytes: number;
  readonly openConnections: number;
  close(): Promise<void>;
};

/** What to do with a request: bytes to answer and end with, or full control of the socket. */
export type RawAnswer = string | Buffer | ((socket: Socket) => void);

export async function startRawStub(answer: (request: string) => RawAnswer): Promise<RawStub> {
  const certificate = await makeServerCertificate('stub');
  const received: string[] = [];
  const sockets = new Set<Socket>();
  let handshakes = 0;
  let bytes = 0;
  const server = tls.createServer({ cert: certificate.certPem, key: certificate.keyPem }, (socket) => {
    handshakes += 1;
    let pending = '';
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      pending += chunk.toString('latin1');
      const headEnd = pending.indexOf('\r\n\r\n');
      if (headEnd === -1) return;
      const length = Number(/^content-length: (\d+)/im.exec(pending.slice(0, headEnd))?.[1] ?? 0);
      const end = headEnd + 4 + length;
      if (pending.length < end) return;
      const request = pending.slice(0, end);
      pending = pending.slice(end);
      received.push(request);
      const reply = answer(request);
      if (typeof reply === 'function') reply(socket);
      else socket.end(reply);
    });
    socket.on('error', () => {});
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pins: certificate.pins,
    received,
    get handshakes() {
      return handshakes;
    },
    get bytes() {
      return bytes;
    },
    get openConnections() {
      return sockets.size;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A whole answer with a length; `statusLine` is everything after `HTTP/1.1 `. */
export function rawAnswer(statusLine: string, body: string): string {
  return [
    `HTTP/1.1 ${statusLine}`,
    'Cache-Control: max-age=0',
    'Connection: close',
    'Server: pve-api-daemon/3.0',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Content-Type: application/json;charset=UTF-8',
    '',
    body,
  ].join('\r\n');
}

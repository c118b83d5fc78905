import { createHash } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import { connect as connectTls, type TLSSocket } from 'node:tls';

/** What curl would show. */
export type Spoken = { readonly status: number; readonly type: string; readonly text: string };

export type Phone = {
  /**
   * Sends a request as the printed curl lines do; `accept` defaults to text/plain. With an idempotency key a repeat
   * of it orders nothing twice.
   */
  ask(
    method: 'GET' | 'POST',
    path: string,
    options?: { accept?: string; timeoutMs?: number; idempotencyKey?: string },
  ): Promise<Spoken>;
};

/**
 * A phone with a token: a plain HTTPS client that knows nothing of Writ, and pins the server's public key as
 * `curl --pinnedpubkey` does. Rejects when no whole answer comes.
 */
export function createPhone(home: { origin: string; spki: string; token: string }): Phone {
  const origin = new URL(home.origin);

  /** A connection whose key was compared before the token goes over it. */
  const connect = (): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({
        host: origin.hostname,
        port: Number(origin.port),
        rejectUnauthorized: false,
      });
      socket.on('error', reject);
      socket.once('secureConnect', () => {
        const der = socket.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' });
        const seen = der === undefined ? '' : `sha256:${createHash('sha256').update(der).digest('hex')}`;
        if (seen === home.spki) return resolve(socket);
        socket.destroy();
        reject(new Error('the server has another key than the pinned one'));
      });
    });

  return {
    async ask(method, path, { accept = 'text/plain', timeoutMs = 60_000, idempotencyKey } = {}) {
      const socket = await connect();
      return new Promise((resolve, reject) => {
        const outgoing = request({
          createConnection: () => socket,
          method,
          path,
          headers: {
            host: origin.host,
            authorization: `Bearer ${home.token}`,
            accept,
            connection: 'close',
            ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
          },
        });
        outgoing.setTimeout(timeoutMs, () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)));
        outgoing.on('error', reject);
        outgoing.on('response', (incoming: IncomingMessage) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', reject);
          incoming.on('close', () => socket.destroy());
          incoming.on('end', () =>
            resolve({
              status: incoming.statusCode ?? 0,
              type: incoming.headers['content-type'] ?? '',
              text: Buffer.concat(chunks).toString('utf8'),
            }),
          );
        });
        outgoing.end();
      });
    },
  };
}

import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { KeyAndCertificate } from '../../../src/node/certificate.ts';
import { readProxyHeader } from '../proxy-protocol.ts';

/** What one entry point of a proxy does with connections, whatever stands behind it. */
export type Door = {
  readonly certificate: KeyAndCertificate;
  /** Whether a PROXY header from there is believed; the entry for people at home believes none. */
  readonly trusts: (from: string) => boolean;
  /** Answers a request of `client`, in a connection for the name `sni`. */
  readonly answer: (
    request: IncomingMessage,
    client: string,
    sni: string,
  ) => { readonly status: number; readonly body: string };
};

/** Opens an entry point: PROXY protocol where the caller is trusted, TLS, HTTP. */
export function openDoor({ certificate, trusts, answer }: Door): (socket: Socket, from: string) => void {
  const secureContext = createSecureContext({ key: certificate.keyPem, cert: certificate.certificatePem });
  const clients = new WeakMap<object, string>();
  const http = createServer((request, response) => {
    const { status, body } = answer(request, clients.get(request.socket)!, sniOf(request.socket));
    response.writeHead(status, { 'content-length': Buffer.byteLength(body), connection: 'close' }).end(body);
  });
  return async (socket, from) => {
    const named = trusts(from) ? await readProxyHeader(socket) : null;
    // A check of HAProxy's says no more than that.
    if (named === 'local') return socket.destroy();
    const secure = new TLSSocket(socket, { isServer: true, secureContext });
    secure.on('error', () => socket.destroy());
    clients.set(secure, named ?? from);
    http.emit('connection', secure);
  };
}

const sniOf = (socket: Socket): string => (socket instanceof TLSSocket && socket.servername) || '';

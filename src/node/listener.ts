import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { Surroundings } from '../http/deps.ts';
import type { KeyAndCertificate } from './certificate.ts';
import { type Connections, createConnections } from './connections.ts';
import { requestOf, sendResponse } from './exchange.ts';
import type { NamedCertificate } from './named-certificate.ts';
import type { TailnetPeers } from './tailnet-peers.ts';

/** Answers one request. Never rejects. */
export type FetchHandler = (request: Request, surroundings: Surroundings) => Promise<Response> | Response;

export type ListenerLimits = {
  /** From the connection to the end of its TLS handshake. */
  readonly handshakeMs: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersMs: number;
  /** From the first byte of a request to the last of its body; above the body's own deadline, which answers. */
  readonly requestMs: number;
  /** How long a connection may rest between requests: longer than pollers pause. */
  readonly keepAliveMs: number;
  /** Request line and headers; a token takes up to 16 KiB. */
  readonly maxHeaderBytes: number;
  /** Somewhat below it, strangers make room. */
  readonly maxConnections: number;
  /** How often the times above are looked at. */
  readonly checkEveryMs: number;
};

export const defaultListenerLimits: ListenerLimits = {
  handshakeMs: 10_000,
  headersMs: 15_000,
  requestMs: 135_000,
  keepAliveMs: 75_000,
  maxHeaderBytes: 32 * 1024,
  maxConnections: 4_096,
  checkEveryMs: 5_000,
};

export type Listener = {
  readonly address: { readonly host: string; readonly port: number };
  /** Takes no new connections, lets open requests be answered for `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
};

/**
 * Listens with TLS ≥ 1.2 and hands requests to a fetch handler. Node's parser is strict: duplicate or empty
 * Content-Length and Content-Length beside Transfer-Encoding (RFC 9112 section 6.3) never become a request.
 */
export async function listen(options: {
  host: string;
  port: number;
  certificate: KeyAndCertificate;
  /** Another certificate for callers that ask for certain names. */
  named?: Pick<NamedCertificate, 'contextFor'>;
  handle: FetchHandler;
  /** Names peers for the log. */
  peers?: TailnetPeers;
  limits?: Partial<ListenerLimits>;
}): Promise<Listener> {
  const limits = { ...defaultListenerLimits, ...options.limits };
  const server = createServer({
    key: options.certificate.keyPem,
    cert: options.certificate.certificatePem,
    ...(options.named && { SNICallback: byName(options.named) }),
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: limits.handshakeMs,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: limits.checkEveryMs,
    maxHeaderSize: limits.maxHeaderBytes,
    insecureHTTPParser: false,
    requireHostHeader: true,
    noDelay: true,
  });
  server.maxConnections = limits.maxConnections;
  let closing = false;
  // The server itself knows a connection only once its handshake is over.
  const connections = createConnections(limits.maxConnections);
  server.on('connection', connections.add);

  const exchange = (request: IncomingMessage, response: ServerResponse, invites: boolean): void => {
    const refused = hasTwoHosts(request) ? 400 : isUnspoken(request) ? 501 : null;
    if (refused !== null) {
      response.writeHead(refused, { connection: 'close', 'content-length': 0 });
      return void response.end();
    }
    const { socket } = request;
    // What was parsed along with a request that ended the connection is nobody's.
    const end = socket.destroyed ? null : connections.begin(socket);
    if (end === null) return void socket.destroy();
    response.once('close', end);
    const { request: asked, surroundings, body } = requestOf(request, response, { invites });
    const known = (who: string): void => connections.know(socket, who);
    const peer = options.peers?.nameOf(socket.remoteAddress, socket.remotePort);
    Promise.resolve(options.handle(asked, { ...surroundings, known, peer }))
      .then((answer) => sendResponse(answer, request, response, { closing, body }))
      .catch(() => response.destroy());
  };
  server.on('request', (request: IncomingMessage, response: ServerResponse) =>
    exchange(request, response, false),
  );
  // The body is invited once something reads it, which nothing does for a stranger.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    exchange(request, response, true),
  );
  server.on('clientError', (error: Error & { code?: string }, socket: Socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
    const status =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? '431 Request Header Fields Too Large'
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? '408 Request Timeout'
          : '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
      socket.destroy(),
    );
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  return {
    address: { host: options.host, port },
    close: (graceMs) => {
      closing = true;
      return closeServer(server, connections, graceMs);
    },
  };
}

/** In Node's form. No context of a name: the listener's own certificate. */
const byName =
  ({ contextFor }: Pick<NamedCertificate, 'contextFor'>): NonNullable<TlsOptions['SNICallback']> =>
  (name, done) => {
    contextFor(name).then(
      (context) => done(null, context ?? undefined),
      (error: Error) => done(error),
    );
  };

/** RFC 9112 section 3.2 wants 400; Node takes the first. */
const hasTwoHosts = ({ rawHeaders }: IncomingMessage): boolean =>
  rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length > 1;

/** Methods that no fetch Request may have (Fetch section 2.2.1): making one would throw, and end the process. */
const isUnspoken = ({ method = '' }: IncomingMessage): boolean => /^(?:CONNECT|TRACE|TRACK)$/i.test(method);

function closeServer(server: Server, connections: Connections, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const idle = setInterval(() => server.closeIdleConnections(), 20);
    const last = setTimeout(connections.destroyAll, graceMs);
    server.close(() => {
      clearInterval(idle);
      clearTimeout(last);
      resolve();
    });
    server.closeIdleConnections();
  });
}

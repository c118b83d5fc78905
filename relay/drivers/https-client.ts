import { createHash, type X509Certificate } from 'node:crypto';
import * as http from 'node:http';
import * as https from 'node:https';
import { isIP, type Socket } from 'node:net';
import * as tls from 'node:tls';

/** What the pin is the SHA-256 of: the leaf's SubjectPublicKeyInfo (survives renewals), or the whole leaf. */
export type PinKind = 'spki' | 'certificate';

export type HttpsClientOptions = {
  /** `sha256:<64 lower-case hex>`. Without it, the system's certificate authorities verify. */
  readonly pin?: string;
  /** Defaults to `spki`. */
  readonly pinKind?: PinKind;
  readonly maxSockets?: number;
  /** How long an unused connection is kept. Shorter than the server's own limit, or it may close under a request. */
  readonly idleTimeoutMs?: number;
  /** Time for TCP, TLS and the pin together. */
  readonly connectTimeoutMs?: number;
  /** Plain HTTP, to loopback addresses only; for trials. */
  readonly allowHttp?: boolean;
};

export type HttpsRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Total time from the call to the last byte of the answer. */
  readonly timeoutMs: number;
  /** Cap on the answer's body. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
  /**
   * `false` takes a connection of its own. For requests that must not be sent twice: on a kept connection that
   * the server closes at the same moment, nobody can tell whether the request was read.
   */
  readonly reuse?: boolean;
  /**
   * Whether it does no harm to send it once more when a kept connection turns out to be dead; by default GET and
   * HEAD only.
   */
  readonly repeatable?: boolean;
};

export type HttpsAnswer = {
  readonly ok: true;
  readonly status: number;
  readonly statusText: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
};

export type HttpsFailureReason =
  | 'timeout'
  | 'too_large'
  | 'pin_mismatch'
  | 'unreachable'
  | 'tls'
  | 'bad_answer'
  | 'aborted';

export type HttpsFailure = {
  readonly ok: false;
  readonly reason: HttpsFailureReason;
  /** For the log: an error code and text, never a header or a body. */
  readonly cause: string;
  /** False when not one byte of the request can have left, so that the order certainly did not arrive. */
  readonly sent: boolean;
};

export type HttpsResult = HttpsAnswer | HttpsFailure;

export type HttpsClient = {
  /** Never throws and never follows a redirect. */
  request(request: HttpsRequest): Promise<HttpsResult>;
  /** Ends every connection; requests under way answer `aborted`. */
  close(): void;
};

const maxHeaderBytes = 16 * 1024;
const pinPattern = /^sha256:[0-9a-f]{64}$/;

/** The pin of a leaf certificate, `sha256:<hex>`. */
export function pinOf(certificate: X509Certificate, kind: PinKind): string {
  const bytes =
    kind === 'spki' ? certificate.publicKey.export({ type: 'spki', format: 'der' }) : certificate.raw;
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Why a connection was given up; an Error because Node's agent passes nothing else on to the request. */
type ConnectError = Error & { readonly gaveUpFor: HttpsFailureReason };

const connectError = (reason: HttpsFailureReason, message: string): ConnectError =>
  Object.assign(new Error(message), { gaveUpFor: reason });

const isConnectError = (error: Error): error is ConnectError => 'gaveUpFor' in error;

/**
 * A small HTTPS client: keep-alive, byte caps, one deadline for the whole exchange, and an optional pin that is
 * compared before a single byte of a request is written.
 *
 * Throws only on a malformed pin, which is a mistake of the configuration.
 */
export function createHttpsClient(options: HttpsClientOptions = {}): HttpsClient {
  const { pin, pinKind = 'spki', connectTimeoutMs = 10_000 } = options;
  if (pin !== undefined && !pinPattern.test(pin)) throw new Error('pin must be sha256:<64 hex digits>');

  const connecting = new Set<tls.TLSSocket>();
  const underWay = new Set<() => void>();
  // Failures on a kept connection that the server had closed meanwhile: they say nothing about the server.
  const stale = new WeakSet<HttpsFailure>();
  let closed = false;

  // Node's own createConnection hands the socket over before the handshake; this one afterwards, so that the
  // request's header with its credentials is not even buffered on a connection to the wrong server.
  const connect = (
    target: { host?: string | null | undefined; port?: string | number | null | undefined },
    done: (error: Error | null, socket?: Socket) => void,
  ): undefined => {
    const host = (target.host ?? 'localhost').replace(/^\[|\]$/g, '');
    const socket = tls.connect({
      host,
      port: Number(target.port ?? 443),
      servername: isIP(host) === 0 ? host : '',
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      // The pin replaces the authorities: a self-signed certificate is what Proxmox VE has.
      rejectUnauthorized: pin === undefined,
    });
    // Node's own would do so: a small request must not wait for the acknowledgement of what went before.
    socket.setNoDelay(true);
    connecting.add(socket);
    let settled = false;
    const settle = (error: Error | null): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      connecting.delete(socket);
      if (error === null) {
        done(null, socket);
      } else {
        socket.destroy();
        done(error);
      }
    };
    const timer = setTimeout(
      () => settle(connectError('timeout', `no connection within ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    );
    socket.once('secureConnect', () => {
      if (pin === undefined) return settle(null);
      const certificate = socket.getPeerX509Certificate();
      if (certificate === undefined) return settle(connectError('pin_mismatch', 'no certificate'));
      const seen = pinOf(certificate, pinKind);
      settle(seen === pin ? null : connectError('pin_mismatch', `expected ${pin}, saw ${seen}`));
    });
    // Stays on after the hand-over: an error between two requests must not end the process.
    socket.on('error', (error) => settle(error));
    socket.once('close', () => settle(connectError('unreachable', 'closed during the handshake')));
    return undefined;
  };

  const agentOptions = {
    maxSockets: options.maxSockets ?? 8,
    timeout: options.idleTimeoutMs ?? 2_000,
    maxCachedSessions: 0,
  };
  // With a limit Node would hand a finished connection on to whoever waits for one.
  const once = { keepAlive: false, maxSockets: Number.POSITIVE_INFINITY };
  const secure = {
    kept: new https.Agent({ ...agentOptions, keepAlive: true }),
    once: new https.Agent({ ...agentOptions, ...once }),
  };
  // The type wants a socket back; the documented alternative, taken here, is to call back later.
  for (const agent of [secure.kept, secure.once]) {
    (agent as unknown as { createConnection: typeof connect }).createConnection = connect;
  }
  const plain = {
    kept: new http.Agent({ ...agentOptions, keepAlive: true }),
    once: new http.Agent({ ...agentOptions, ...once }),
  };

  function send(request: HttpsRequest, url: URL, agent: http.Agent): Promise<HttpsResult> {
    return new Promise((resolve) => {
      let sent = false;
      let settled = false;
      let answered = false;
      const finish = (result: HttpsResult): void => {
        if (settled) return;
        settled = true;
        if (!result.ok && result.reason === 'unreachable' && outgoing.reusedSocket && !answered) {
          stale.add(result);
        }
        clearTimeout(timer);
        request.signal?.removeEventListener('abort', onAbort);
        underWay.delete(onClose);
        resolve(result);
        // A whole answer leaves its connection in the pool; anything else must not be reused.
        if (!result.ok) outgoing.destroy();
      };
      const fail = (reason: HttpsFailureReason, cause: string): void =>
        finish({ ok: false, reason, cause, sent });
      const onAbort = (): void => fail('aborted', 'aborted by the caller');
      const onClose = (): void => fail('aborted', 'the client was closed');
      const timer = setTimeout(
        () => fail('timeout', `no whole answer within ${request.timeoutMs} ms`),
        request.timeoutMs,
      );

      const body = request.body === undefined ? undefined : Buffer.from(request.body);
      const outgoing = (url.protocol === 'https:' ? https : http).request(url, {
        agent,
        method: request.method,
        headers: { ...request.headers, ...(body && { 'content-length': String(body.length) }) },
        maxHeaderSize: maxHeaderBytes,
      });
      outgoing.on('socket', (socket) => {
        const marks = (): void => {
          sent = true;
        };
        // With TLS a socket arrives here verified; plain ones may still be connecting.
        if (socket.connecting) socket.once('connect', marks);
        else marks();
      });
      outgoing.on('error', (error) => fail(...explain(error)));
      outgoing.on('close', () => fail('unreachable', 'closed without an answer'));
      outgoing.on('upgrade', (_answer, socket) => {
        socket.destroy();
        fail('bad_answer', 'the server wants to change the protocol');
      });
      outgoing.on('response', (incoming) => {
        answered = true;
        const announced = Number(incoming.headers['content-length'] ?? 0);
        if (announced > request.maxBytes) {
          return fail('too_large', `${announced} bytes announced, ${request.maxBytes} allowed`);
        }
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > request.maxBytes) return fail('too_large', `more than ${request.maxBytes} bytes`);
          chunks.push(chunk);
        });
        incoming.on('error', (error) => fail(...explain(error)));
        incoming.on('close', () => fail('unreachable', 'closed in the middle of the answer'));
        incoming.on('end', () =>
          finish({
            ok: true,
            status: incoming.statusCode ?? 0,
            statusText: incoming.statusMessage ?? '',
            headers: incoming.headers,
            body: Buffer.concat(chunks, size),
          }),
        );
      });
      underWay.add(onClose);
      if (request.signal?.aborted) return onAbort();
      request.signal?.addEventListener('abort', onAbort);
      outgoing.end(body);
    });
  }

  return {
    async request(request) {
      const never = (reason: HttpsFailureReason, cause: string): HttpsFailure => ({
        ok: false,
        reason,
        cause,
        sent: false,
      });
      if (closed) return never('aborted', 'the client was closed');
      if (!URL.canParse(request.url)) return never('unreachable', 'not a URL');
      const url = new URL(request.url);
      if (url.username !== '' || url.password !== '') return never('unreachable', 'credentials in the URL');
      const trial = url.protocol === 'http:' && options.allowHttp && isLoopback(url.hostname);
      if (url.protocol !== 'https:' && !trial) return never('tls', 'refused to speak without TLS');
      const agents = trial ? plain : secure;
      const startedAt = performance.now();
      const first = await send(request, url, request.reuse === false ? agents.once : agents.kept);
      const mayRepeat = request.repeatable ?? ['GET', 'HEAD'].includes(request.method);
      if (first.ok || closed || !mayRepeat || !stale.has(first)) return first;
      const leftMs = request.timeoutMs - (performance.now() - startedAt);
      return leftMs < 1 ? first : send({ ...request, timeoutMs: leftMs }, url, agents.once);
    },
    close() {
      closed = true;
      for (const abandon of [...underWay]) abandon();
      for (const socket of connecting) socket.destroy();
      for (const agent of [secure.kept, secure.once, plain.kept, plain.once]) agent.destroy();
    },
  };
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** Node's error codes → our reasons. Certificate errors have many codes and one thing in common: no errno. */
function explain(error: Error): [HttpsFailureReason, string] {
  if (isConnectError(error)) return [error.gaveUpFor, error.message];
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const cause = `${code} ${error.message}`.trim().slice(0, 300);
  if (code === 'HPE_HEADER_OVERFLOW') return ['too_large', cause];
  if (code.startsWith('HPE_')) return ['bad_answer', cause];
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO') return ['tls', cause];
  if (certificateCodes.test(code)) return ['tls', cause];
  return ['unreachable', cause];
}

const certificateCodes = /CERT|ISSUER|SIGNATURE|CRL|^CA_|HOSTNAME_MISMATCH|INVALID_PURPOSE|PATH_LENGTH/;

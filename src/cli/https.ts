import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

export type HttpAnswer = {
  readonly ok: true;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** SHA-256 of the certificate that was shown, in lower-case hex; null without TLS. */
  readonly certificate: string | null;
};

/** `sent` is false when not one byte of the request left, so that it certainly did not arrive. */
export type HttpFailure = {
  readonly ok: false;
  readonly reason: 'unreachable' | 'timeout' | 'pin_mismatch' | 'too_large' | 'aborted';
  readonly detail: string;
  readonly sent: boolean;
};

export type HttpRequest = {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** From the call to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
};

export type HttpClient = { request(request: HttpRequest): Promise<HttpAnswer | HttpFailure> };

const connectTimeoutMs = 10_000;

/**
 * A client of one origin. With a pin (`sha256:` of the certificate's public key, or of the whole certificate) it must be
 * that one, and is looked at before a byte of a request is written; without, the system's authorities decide.
 * Plain HTTP is spoken to loopback alone. One connection a request: orders are few, and none is sent twice.
 */
export function createHttpClient(target: {
  origin: string;
  spki: string | null;
  certificate?: string;
}): HttpClient {
  const origin = new URL(target.origin);
  const host = origin.hostname.replace(/^\[|\]$/g, '');
  const secure = origin.protocol === 'https:';
  const port = Number(origin.port === '' ? (secure ? 443 : 80) : origin.port);

  const connect = (
    signal?: AbortSignal,
  ): Promise<{ ok: true; socket: Socket; certificate: string | null } | HttpFailure> =>
    new Promise((resolve) => {
      const not = (reason: HttpFailure['reason'], detail: string): HttpFailure => ({
        ok: false,
        reason,
        detail,
        sent: false,
      });
      if (!secure && !isLoopback(host)) return resolve(not('unreachable', 'refused to speak without TLS'));
      const socket = secure
        ? connectTls({
            host,
            port,
            servername: isIP(host) === 0 ? host : '',
            minVersion: 'TLSv1.2',
            ALPNProtocols: ['http/1.1'],
            rejectUnauthorized: target.spki === null && target.certificate === undefined,
          })
        : connectTcp({ host, port });
      let certificate: string | null = null;
      const settle = (failure: HttpFailure | null): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        if (failure !== null) socket.destroy();
        resolve(failure ?? { ok: true, socket, certificate });
      };
      const onAbort = (): void => settle(not('aborted', 'given up'));
      const timer = setTimeout(
        () => settle(not('timeout', `no connection within ${connectTimeoutMs / 1000} s`)),
        connectTimeoutMs,
      );
      if (signal?.aborted) return onAbort();
      signal?.addEventListener('abort', onAbort);
      // Stays on for good: an error after the hand-over is the request's to tell, not this process's to die of.
      socket.on('error', (error) => settle(not('unreachable', error.message)));
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        const shown = secure ? (socket as TLSSocket).getPeerX509Certificate() : undefined;
        certificate = shown?.fingerprint256.replaceAll(':', '').toLowerCase() ?? null;
        if (target.spki !== null && secure) {
          const seen = digestOf(shown?.publicKey.export({ type: 'spki', format: 'der' }));
          if (seen !== target.spki) {
            return settle(not('pin_mismatch', `its key is ${seen}, pinned is ${target.spki}`));
          }
        }
        if (target.certificate !== undefined && secure) {
          const seen = digestOf(shown?.raw);
          if (seen !== target.certificate) {
            return settle(not('pin_mismatch', `its certificate is ${seen}, pinned is ${target.certificate}`));
          }
        }
        settle(null);
      });
    });

  return {
    async request(order) {
      const connected = await connect(order.signal);
      if (!connected.ok) return connected;
      const { socket, certificate } = connected;
      return new Promise((resolve) => {
        const finish = (result: HttpAnswer | HttpFailure): void => {
          clearTimeout(timer);
          order.signal?.removeEventListener('abort', onAbort);
          socket.destroy();
          resolve(result);
        };
        const not = (reason: HttpFailure['reason'], detail: string): void =>
          finish({ ok: false, reason, detail, sent: true });
        const onAbort = (): void => not('aborted', 'given up');
        const timer = setTimeout(
          () => not('timeout', `no answer within ${Math.round(order.timeoutMs / 1000)} s`),
          order.timeoutMs,
        );
        if (order.signal?.aborted) return onAbort();
        order.signal?.addEventListener('abort', onAbort);
        const body = order.body === undefined ? undefined : Buffer.from(order.body);
        const outgoing = httpRequest({
          createConnection: () => socket,
          method: order.method,
          host,
          port,
          path: order.url,
          maxHeaderSize: 16 * 1024,
          headers: {
            ...order.headers,
            host: origin.host,
            connection: 'close',
            ...(body && { 'content-length': String(body.length) }),
          },
        });
        outgoing.on('error', (error) => not('unreachable', error.message));
        outgoing.on('response', (incoming) => {
          const chunks: Buffer[] = [];
          let size = 0;
          incoming.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > order.maxBytes) return not('too_large', `more than ${order.maxBytes} bytes`);
            chunks.push(chunk);
          });
          incoming.on('error', (error) => not('unreachable', error.message));
          incoming.on('close', () => not('unreachable', 'the answer ended in the middle'));
          incoming.on('end', () =>
            finish({
              ok: true,
              status: incoming.statusCode ?? 0,
              headers: incoming.headers,
              body: Buffer.concat(chunks, size),
              certificate,
            }),
          );
        });
        outgoing.end(body);
      });
    },
  };
}

const digestOf = (der: Uint8Array | undefined): string =>
  der === undefined ? 'none' : `sha256:${createHash('sha256').update(der).digest('hex')}`;

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createHttpClient } from '../../../src/cli/https.ts';
import { makeServerCertificate } from '../../support/proxmox/certificate.ts';

async function withServer(
  listener: RequestListener,
  use: (origin: string, pin: string) => Promise<void>,
): Promise<void> {
  const { certPem, keyPem, pins } = await makeServerCertificate('control plane');
  const server: Server = createServer({ cert: certPem, key: keyPem }, listener);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, pins.spki);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const ask = {
  method: 'GET',
  url: '/x?y=1',
  headers: { authorization: 'secret' },
  timeoutMs: 5_000,
  maxBytes: 100,
};

test('a pinned server is spoken to, with the path and query as given', async () => {
  await withServer(
    (request, response) => response.end(`${request.method} ${request.url}`),
    async (origin, spki) => {
      const answer = await createHttpClient({ origin, spki }).request(ask);
      assert.ok(answer.ok, answer.ok ? '' : answer.detail);
      assert.equal(answer.body.toString(), 'GET /x?y=1');
    },
  );
});

test('a server with another key is not sent a byte', async () => {
  let requests = 0;
  await withServer(
    (_, response) => {
      requests += 1;
      response.end();
    },
    async (origin) => {
      const answer = await createHttpClient({ origin, spki: `sha256:${'0'.repeat(64)}` }).request(ask);
      assert.ok(!answer.ok);
      assert.equal(answer.reason, 'pin_mismatch');
      assert.equal(answer.sent, false);
      assert.equal(requests, 0);
    },
  );
});

test('without a pin the system’s authorities decide, so a certificate of its own is refused', async () => {
  await withServer(
    (_, response) => response.end(),
    async (origin) => {
      const answer = await createHttpClient({ origin, spki: null }).request(ask);
      assert.ok(!answer.ok);
      assert.equal(answer.sent, false);
    },
  );
});

test('an endless answer, a silent server and a cut one end in time', async () => {
  const listeners: [RequestListener, string][] = [
    [
      (_, response) => {
        const flood = () => {
          while (!response.destroyed && response.write('x'.repeat(1_000)));
        };
        response.on('drain', flood);
        flood();
      },
      'too_large',
    ],
    [() => {}, 'timeout'],
    [(request) => request.socket.destroy(), 'unreachable'],
    [
      (_, response) => {
        response.writeHead(200, { 'content-length': '50' });
        response.write('half');
        setImmediate(() => response.destroy());
      },
      'unreachable',
    ],
  ];
  for (const [listener, reason] of listeners) {
    await withServer(listener, async (origin, spki) => {
      const answer = await createHttpClient({ origin, spki }).request({ ...ask, timeoutMs: 500 });
      assert.ok(!answer.ok);
      assert.equal(answer.reason, reason);
      assert.equal(answer.sent, true);
    });
  }
});

test('plain HTTP is for loopback alone', async () => {
  const answer = await createHttpClient({ origin: 'http://192.0.2.1:80', spki: null }).request(ask);
  assert.ok(!answer.ok);
  assert.match(answer.detail, /without TLS/);
});

test('giving up ends a request at once', async () => {
  await withServer(
    () => {},
    async (origin, spki) => {
      const abort = new AbortController();
      const answering = createHttpClient({ origin, spki }).request({ ...ask, signal: abort.signal });
      setTimeout(() => abort.abort(), 50);
      const answer = await answering;
      assert.ok(!answer.ok);
      assert.equal(answer.reason, 'aborted');
    },
  );
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { createHttpsClient } from '../../../relay/drivers/https-client.ts';
import { rawAnswer } from '../../support/proxmox/raw-stub.ts';
import { limits, setUpClient as setUp } from './https-fixture.ts';

test('threat 7: a body over the cap ends at the cap, announced or not', async (t) => {
  const { get } = await setUp(t, () => (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const pump = (): void => {
      if (socket.writable) socket.write(`64\r\n${'x'.repeat(100)}\r\n`, pump);
    };
    pump();
  });
  const endless = await get();
  assert.ok(!endless.ok);
  assert.equal(endless.reason, 'too_large');
  const chunk = (size: number) => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;
  for (const [sizes, fits] of [
    [[500, 500], true],
    [[500, 501], false],
    [[1_001], false],
  ] as const) {
    const body = `${sizes.map(chunk).join('')}0\r\n\r\n`;
    const chunked = await setUp(t, () => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
    const answer = await chunked.get();
    assert.equal(answer.ok ? 'ok' : answer.reason, fits ? 'ok' : 'too_large', String(sizes));
  }
  const { stub, get: getAnnounced } = await setUp(t, () => rawAnswer('200 OK', 'x'.repeat(1_001)));
  const announced = await getAnnounced();
  assert.ok(!announced.ok);
  assert.equal(announced.reason, 'too_large');
  const exact = await getAnnounced({ maxBytes: 1_001, url: stub.url });
  assert.ok(exact.ok);
});

test('threat 7: headers over the cap, and endless headers', async (t) => {
  const { get } = await setUp(t, (request) =>
    request.startsWith('POST')
      ? (socket) => {
          socket.write('HTTP/1.1 200 OK\r\n');
          const pump = (): void => {
            if (socket.writable) socket.write(`x-filler: ${'a'.repeat(1_000)}\r\n`, pump);
          };
          pump();
        }
      : `HTTP/1.1 200 OK\r\nx-long: ${'x'.repeat(20_000)}\r\nContent-Length: 0\r\n\r\n`,
  );
  for (const method of ['GET', 'POST']) {
    const answer = await get({ method });
    assert.ok(!answer.ok);
    assert.equal(answer.reason, 'too_large', method);
  }
});

test('threat 7: an answer that comes a byte at a time ends at the deadline', async (t) => {
  const { get } = await setUp(t, () => (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n');
    const timer = setInterval(() => socket.write('x'), 10);
    socket.on('close', () => clearInterval(timer));
  });
  const startedAt = performance.now();
  const answer = await get({ timeoutMs: 200 });
  const tookMs = performance.now() - startedAt;
  assert.ok(!answer.ok);
  assert.equal(answer.reason, 'timeout');
  assert.equal(answer.sent, true);
  assert.ok(tookMs >= 190 && tookMs < 2_000, `${tookMs} ms`);
});

test('threat 7: endless interim answers end at the deadline', async (t) => {
  const { get } = await setUp(t, () => (socket) => {
    const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 5);
    socket.on('close', () => clearInterval(timer));
  });
  const answer = await get({ timeoutMs: 150 });
  assert.ok(!answer.ok);
  assert.equal(answer.reason, 'timeout');
});

test('a server that accepts and says nothing times out: TCP only, TLS only', async (t) => {
  const sockets = new Set<Socket>();
  const silent = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const client = createHttpsClient({ pin: `sha256:${'0'.repeat(64)}`, connectTimeoutMs: 100 });
  t.after(() => {
    client.close();
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
  const noHandshake = await client.request({ method: 'GET', url, ...limits });
  assert.ok(!noHandshake.ok);
  assert.equal(noHandshake.reason, 'timeout');
  assert.equal(noHandshake.sent, false);

  const { get } = await setUp(t, () => () => {});
  const noAnswer = await get({ timeoutMs: 100 });
  assert.ok(!noAnswer.ok);
  assert.equal(noAnswer.reason, 'timeout');
  assert.equal(noAnswer.sent, true);
});

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { createHttpsClient, pinOf } from '../../../relay/drivers/https-client.ts';
import { makeServerCertificate } from '../../support/proxmox/certificate.ts';
import { rawAnswer, startRawStub } from '../../support/proxmox/raw-stub.ts';
import { until } from '../../support/proxmox/until.ts';
import { limits, setUpClient as setUp } from './https-fixture.ts';

test('an answer comes with status, reason, headers and body', async (t) => {
  const { stub, get } = await setUp(t, () => rawAnswer('299 Odd But Fine', 'hello'));
  const answer = await get({ method: 'POST', headers: { 'x-test': 'yes' }, body: 'päckli' });
  assert.ok(answer.ok);
  assert.equal(answer.status, 299);
  assert.equal(answer.statusText, 'Odd But Fine');
  assert.equal(answer.headers.server, 'pve-api-daemon/3.0');
  assert.equal(answer.body.toString(), 'hello');
  assert.match(stub.received[0] ?? '', /^POST \/x HTTP\/1\.1\r\n/);
  assert.match(stub.received[0] ?? '', /x-test: yes\r\n/);
  assert.match(stub.received[0] ?? '', /content-length: 7\r\n/);
});

test('both kinds of pin are what openssl would compute, and both are accepted', async (t) => {
  const made = await makeServerCertificate('x');
  const certificate = new X509Certificate(made.certPem);
  assert.equal(pinOf(certificate, 'spki'), made.pins.spki);
  assert.equal(pinOf(certificate, 'certificate'), made.pins.certificate);
  assert.equal(
    made.pins.certificate,
    `sha256:${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`,
  );
  const stub = await startRawStub(() => rawAnswer('200 OK', '{}'));
  t.after(() => stub.close());
  for (const pinKind of ['spki', 'certificate'] as const) {
    const client = createHttpsClient({ pin: stub.pins[pinKind], pinKind });
    const answer = await client.request({ method: 'GET', url: stub.url, ...limits });
    client.close();
    assert.ok(answer.ok, pinKind);
  }
});

for (const pinKind of ['spki', 'certificate'] as const) {
  for (const reuse of [true, false]) {
    test(`threat 20: a wrong ${pinKind} pin sends not one byte (reuse ${reuse})`, async (t) => {
      const other = (await makeServerCertificate('other')).pins[pinKind];
      const { stub, get } = await setUp(t, () => rawAnswer('200 OK', '{}'), { pin: other, pinKind });
      const answer = await get({ reuse, headers: { authorization: 'PVEAPIToken=canary' } });
      assert.ok(!answer.ok);
      assert.equal(answer.reason, 'pin_mismatch');
      assert.equal(answer.sent, false);
      assert.doesNotMatch(answer.cause, /canary/);
      // Until the server has seen the connection's end, something could still be under way to it.
      await until('the connection is gone', () => stub.openConnections === 0);
      assert.equal(stub.bytes, 0);
      assert.deepEqual(stub.received, []);
    });
  }
}

test('without a pin the system’s authorities decide, and a self-signed certificate is refused', async (t) => {
  const stub = await startRawStub(() => rawAnswer('200 OK', '{}'));
  const client = createHttpsClient();
  t.after(() => {
    client.close();
    return stub.close();
  });
  const answer = await client.request({ method: 'GET', url: stub.url, ...limits });
  assert.ok(!answer.ok);
  assert.equal(answer.reason, 'tls');
  assert.equal(answer.sent, false);
  assert.equal(stub.bytes, 0);
});

test('a malformed pin is a mistake of the configuration and throws', () => {
  for (const pin of ['', 'sha256:', `sha256:${'A'.repeat(64)}`, `sha1:${'a'.repeat(64)}`]) {
    assert.throws(() => createHttpsClient({ pin }), /pin must be/);
  }
});

test('connections are kept, and not when asked for one of its own', async (t) => {
  const keep = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  const { stub, get } = await setUp(t, () => (socket) => void socket.write(keep));
  for (const _ of [1, 2, 3]) assert.ok((await get()).ok);
  assert.equal(stub.handshakes, 1);
  for (const _ of [1, 2]) assert.ok((await get({ reuse: false })).ok);
  assert.equal(stub.handshakes, 3);
});

test('a kept connection that died is replaced for a GET and reported for a POST', async (t) => {
  const keep = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  const perConnection = new WeakMap<Socket, number>();
  const { stub, get } = await setUp(t, () => (socket) => {
    const count = (perConnection.get(socket) ?? 0) + 1;
    perConnection.set(socket, count);
    // As a server whose keep-alive ran out while the request was on its way.
    if (count === 1) socket.write(keep);
    else socket.destroy();
  });
  const first = await get();
  const again = await get();
  assert.ok(first.ok && again.ok);
  assert.equal(stub.received.length, 3, 'the second GET was sent twice');

  assert.ok((await get()).ok);
  const posted = await get({ method: 'POST', body: 'x' });
  assert.ok(!posted.ok);
  assert.equal(posted.reason, 'unreachable');
  assert.equal(posted.sent, true);
  assert.equal(stub.received.length, 5, 'the POST was sent once');

  assert.ok((await get()).ok);
  const repeated = await get({ method: 'POST', body: 'x', repeatable: true });
  assert.ok(repeated.ok);
});

test('nobody listening, and a cut in the middle, are unreachable', async (t) => {
  const { stub, client, get } = await setUp(
    t,
    () => (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf'),
  );
  const half = await get();
  assert.ok(!half.ok);
  assert.equal(half.reason, 'unreachable');
  assert.equal(half.sent, true);
  const port = new URL(stub.url).port;
  await stub.close();
  const refused = await client.request({ method: 'GET', url: `https://127.0.0.1:${port}/`, ...limits });
  assert.ok(!refused.ok);
  assert.equal(refused.reason, 'unreachable');
  assert.equal(refused.sent, false);
  assert.match(refused.cause, /ECONNREFUSED/);
});

const malformed: readonly [string, string][] = [
  ['not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'],
  [
    'length and chunked',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['bad chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n'],
  ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'],
];
for (const [name, bytes] of malformed) {
  test(`malformed HTTP is a bad answer: ${name}`, async (t) => {
    const { get } = await setUp(t, () => bytes);
    const answer = await get();
    assert.ok(!answer.ok);
    assert.equal(answer.reason, 'bad_answer');
  });
}

test('redirects are answers, not followed', async (t) => {
  const { stub, get } = await setUp(
    t,
    () => 'HTTP/1.1 307 Go\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n',
  );
  const answer = await get();
  assert.ok(answer.ok);
  assert.equal(answer.status, 307);
  assert.equal(stub.received.length, 1);
});

test('an abort before, during, and the closing of the client', async (t) => {
  const { stub, client, get } = await setUp(t, () => () => {});
  const before = await get({ signal: AbortSignal.abort() });
  assert.ok(!before.ok);
  assert.equal(before.reason, 'aborted');
  assert.equal(stub.received.length, 0);

  const controller = new AbortController();
  const during = get({ signal: controller.signal });
  await until('the request arrived', () => stub.received.length === 1);
  controller.abort();
  const ended = await during;
  assert.ok(!ended.ok);
  assert.equal(ended.reason, 'aborted');
  assert.equal(ended.sent, true);

  const open = get();
  await until('the next request arrived', () => stub.received.length === 2);
  client.close();
  const closed = await open;
  assert.ok(!closed.ok);
  assert.equal(closed.reason, 'aborted');
  const after = await get();
  assert.ok(!after.ok);
  assert.equal(after.reason, 'aborted');
});

test('plain HTTP only when allowed, and only to loopback', async (t) => {
  const server = createServer((_request, response) => response.end('plain'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const strict = createHttpsClient();
  const trial = createHttpsClient({ allowHttp: true });
  t.after(() => {
    strict.close();
    trial.close();
    server.close();
  });
  const refused = await strict.request({ method: 'GET', url, ...limits });
  assert.ok(!refused.ok);
  assert.equal(refused.reason, 'tls');
  const allowed = await trial.request({ method: 'GET', url, ...limits });
  assert.ok(allowed.ok);
  assert.equal(allowed.body.toString(), 'plain');
  for (const away of ['http://192.0.2.1/', 'http://localhost.example.net/', 'http://127.0.0.1.nip.io/']) {
    const answer = await trial.request({ method: 'GET', url: away, ...limits });
    assert.ok(!answer.ok);
    assert.equal(answer.reason, 'tls', away);
  }
});

test('credentials in a URL, and what is no URL, go nowhere', async (t) => {
  const { client } = await setUp(t, () => '');
  for (const url of ['https://user:secret@127.0.0.1/', 'nonsense', 'ftp://127.0.0.1/']) {
    const answer = await client.request({ method: 'GET', url, ...limits });
    assert.ok(!answer.ok);
    assert.equal(answer.sent, false);
    assert.doesNotMatch(answer.cause, /secret/);
  }
});

test('more requests than sockets wait in line, under their own deadlines', async (t) => {
  const waiting: Socket[] = [];
  const { stub, get } = await setUp(t, () => (socket) => void waiting.push(socket), { maxSockets: 1 });
  const first = get();
  await until('the request arrived', () => stub.received.length === 1);
  const second = await get({ timeoutMs: 100 });
  assert.ok(!second.ok);
  assert.equal(second.reason, 'timeout');
  assert.equal(second.sent, false);
  waiting[0]?.end(rawAnswer('200 OK', 'late'));
  assert.ok((await first).ok);
  assert.equal(stub.received.length, 1);
});

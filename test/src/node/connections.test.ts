import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { makeCertificate } from '../../../src/node/certificate.ts';
import { type FetchHandler, listen } from '../../../src/node/listener.ts';
import { startClaimedServer } from '../../support/claimed-server.ts';

const most = 20;

/** A socket to a port, with its handshake behind it. */
async function dialTo(t: TestContext, port: number): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  socket.on('error', () => {});
  t.after(() => socket.destroy());
  // A server that has no room may end it before.
  await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]);
  return socket;
}

/** A listener for which the credentials "mine" are valid; `/never` is not answered. */
async function start(t: TestContext, handle?: FetchHandler) {
  const certificate = await makeCertificate(['127.0.0.1'], new Date());
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    certificate,
    limits: { maxConnections: most },
    handle:
      handle ??
      (({ headers, url }, { known }) => {
        if (url.endsWith('/never')) return new Promise(() => {});
        const isMine = headers.get('authorization') === 'mine';
        if (isMine) known?.('me');
        return new Response(null, { status: isMine ? 204 : 401 });
      }),
  });
  t.after(() => listener.close(0));
  return { dial: () => dialTo(t, listener.address.port) };
}

const request = (credentials: string, path = '/a'): string =>
  `GET ${path} HTTP/1.1\r\nHost: writ\r\nAuthorization: ${credentials}\r\n\r\n`;

async function ask(socket: TLSSocket, credentials: string): Promise<string> {
  socket.write(request(credentials));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString().slice(9, 12);
}

describe('the connections of a listener', () => {
  test('threat 7: strangers that hold connections open make room, and nobody who is known does', async (t) => {
    const { dial } = await start(t);
    const known = await dial();
    assert.equal(await ask(known, 'mine'), '204');
    const strangers = [];
    for (let count = 0; count < 60; count += 1) {
      const stranger = await dial();
      strangers.push(stranger);
      // Some say nothing at all, others were refused once.
      if (count % 2 === 0) assert.equal(await ask(stranger, 'guessed'), '401');
    }
    assert.equal(await ask(await dial(), 'mine'), '204', 'a newcomer is let in');
    assert.equal(await ask(known, 'mine'), '204', 'who is known keeps its connection');
    assert.ok(strangers.filter((one) => one.closed || one.readableEnded).length >= 40);
  });

  test('threat 7: strangers make room also in the middle of what they ask, after those that ask nothing', async (t) => {
    const { dial } = await start(t);
    const known = await dial();
    assert.equal(await ask(known, 'mine'), '204');
    const asking = [];
    for (let count = 0; count < 10; count += 1) {
      const stranger = await dial();
      stranger.write(request('none', '/never'));
      asking.push(stranger);
    }
    for (let count = 0; count < 20; count += 1) await dial();
    assert.ok(
      asking.every((one) => !one.closed),
      'those that ask are not the first',
    );
    for (let count = 0; count < 60; count += 1) {
      const stranger = await dial();
      stranger.write(request('none', '/never'));
    }
    assert.equal(await ask(await dial(), 'mine'), '204', 'a newcomer is let in');
    assert.equal(await ask(known, 'mine'), '204', 'who is known keeps its connection');
  });

  test('threat 7: one caller keeps so many connections and no more, with credentials as well', async (t) => {
    const certificate = await makeCertificate(['127.0.0.1'], new Date());
    const listener = await listen({
      host: '127.0.0.1',
      port: 0,
      certificate,
      limits: { maxConnections: 80 },
      handle: ({ headers }, { known }) => {
        known?.(headers.get('authorization') ?? '');
        return new Response(null, { status: 204 });
      },
    });
    t.after(() => listener.close(0));
    const greedy = [];
    for (let count = 0; count < 100; count += 1) {
      const socket = await dialTo(t, listener.address.port);
      assert.equal(await ask(socket, 'greedy'), '204');
      greedy.push(socket);
    }
    const other = await dialTo(t, listener.address.port);
    assert.equal(await ask(other, 'other'), '204');
    assert.ok(greedy.slice(0, 64).every((one) => !one.closed));
    assert.ok(greedy.slice(64).some((one) => one.closed));
  });

  test('threat 7: requests that are sent ahead of their answers end the connection', async (t) => {
    let begun = 0;
    const { dial } = await start(t, () => {
      begun += 1;
      return new Promise(() => {});
    });
    const socket = await dial();
    const closed = once(socket, 'close');
    socket.write(request('none').repeat(500));
    await closed;
    assert.equal(begun, 2);
  });

  test('threat 7: false credentials on an address that needs none make nobody known', async (t) => {
    const { server, home, asKey } = await startClaimedServer(t, {
      limits: { listener: { maxConnections: most } },
    });
    const port = Number(new URL(server.origin).port);
    for (let count = 0; count < 2 * most; count += 1) {
      const stranger = await dialTo(t, port);
      stranger.write(request('Bearer x', '/healthz'));
      await Promise.race([once(stranger, 'data'), once(stranger, 'close')]);
    }
    assert.equal((await asKey(home.operator, { method: 'GET', url: '/v1/status' })).status, 200);
  });
});

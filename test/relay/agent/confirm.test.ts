import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { askOrigin } from '../../../relay/agent/ask-origin.ts';
import { createPathWatch } from '../../../relay/agent/confirm.ts';
import type { Origin } from '../../../schema/trust/document.ts';
import { makeServerCertificate } from '../../support/proxmox/certificate.ts';

const origins: Origin[] = [{ url: 'https://100.64.0.1:8420' }, { url: 'https://writ.example.net' }];
const never = new AbortController().signal;

/** Answers by the turn, `script[url][turn]`; the last is repeated. Time passes by sleeping alone. */
function watchBy(script: Readonly<Record<string, readonly boolean[]>>) {
  const turns = new Map<string, number>();
  let uptime = 0;
  const watch = createPathWatch({
    origins: () => origins,
    clock: {
      uptimeMs: () => uptime,
      sleep: async (ms) => {
        uptime += ms;
      },
    },
    ask: async ({ url }) => {
      const turn = turns.get(url) ?? 0;
      turns.set(url, turn + 1);
      return script[url]!.at(Math.min(turn, script[url]!.length - 1))!;
    },
  });
  return { watch, turns, passed: () => uptime };
}

describe('a change is confirmed by the origins', () => {
  test('threat 27: one that answered before and is silent for a minute means that the change cut it off', async () => {
    const { watch, passed } = watchBy({
      [origins[0]!.url]: [true],
      [origins[1]!.url]: [true, false],
    });
    const again = await (await watch(never))();
    assert.ok(!again.ok);
    assert.equal(again.reason, 'cut_off');
    assert.match(again.detail!, /writ\.example\.net/);
    assert.ok(passed() >= 60_000, `${passed()} ms`);
  });

  test('one that was silent before says nothing about the change', async () => {
    const { watch, turns } = watchBy({ [origins[0]!.url]: [true], [origins[1]!.url]: [false] });
    assert.ok((await (await watch(never))()).ok);
    assert.deepEqual([...turns.values()], [2, 1]);
  });

  test('one that comes back in time is waited for, and asked no more once it answered', async () => {
    const { watch, turns } = watchBy({
      [origins[0]!.url]: [true, true, false],
      [origins[1]!.url]: [true, false, false, true],
    });
    assert.ok((await (await watch(never))()).ok);
    assert.deepEqual([...turns.values()], [2, 4]);
  });

  test('a relay that stops meanwhile has confirmed nothing', async () => {
    const stop = new AbortController();
    const { watch } = watchBy({ [origins[0]!.url]: [true, false], [origins[1]!.url]: [true] });
    const confirmed = await watch(stop.signal);
    stop.abort();
    const again = await confirmed();
    assert.equal(!again.ok && again.reason, 'aborted');
  });
});

describe('an origin is asked', () => {
  async function serve(
    t: TestContext,
    status: number,
    body: string,
  ): Promise<Origin & { sockets: Set<unknown> }> {
    const certificate = await makeServerCertificate('origin');
    const sockets = new Set<unknown>();
    const server = createTlsServer(
      { cert: certificate.certPem, key: certificate.keyPem },
      (request, response) => {
        response.writeHead(request.url === '/healthz' ? status : 404).end(body);
      },
    );
    server.on('connection', (socket) => sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = server.address() as AddressInfo;
    return { url: `https://127.0.0.1:${port}`, spki: certificate.pins.spki, sockets };
  }
  const ask = ({ url, spki }: Origin) => askOrigin({ url, ...(spki !== undefined && { spki }) }, never);

  test('by a new connection each time', async (t) => {
    const origin = await serve(t, 200, 'ok\n');
    assert.deepEqual([await ask(origin), await ask(origin)], [true, true]);
    assert.equal(origin.sockets.size, 2);
  });

  test('what is not the API’s own answer, or another key, is none', async (t) => {
    assert.equal(await ask(await serve(t, 503, 'not ok\n')), false);
    assert.equal(await ask(await serve(t, 200, '<html>Sign in to the WiFi</html>')), false);
    const origin = await serve(t, 200, 'ok\n');
    assert.equal(await ask({ ...origin, spki: `sha256:${'0'.repeat(64)}` }), false);
    assert.equal(await ask({ url: origin.url }), false, 'no authority vouches for it');
  });

  test('nobody there is none', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => free.once('listening', resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    assert.equal(await ask({ url: `http://127.0.0.1:${port}` }), false);
  });
});

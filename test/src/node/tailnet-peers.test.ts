import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { createTailnetPeers, type TailnetPeers } from '../../../src/node/tailnet-peers.ts';
import { callOrigin } from '../../support/claimed-server.ts';
import { startTestServer } from '../../support/control.ts';

/** What tailscaled 1.86 answers, shortened where nothing reads it. */
const answerOf = (node: object, user: object): object => ({
  Node: {
    ID: 5,
    StableID: '5',
    Name: 'pve1.example.net.',
    User: 2,
    Key: 'nodekey:5f4b2a0b6c0d4e0f8a9b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f4051',
    KeyExpiry: '0001-01-01T00:00:00Z',
    Machine: 'mkey:1f4b2a0b6c0d4e0f8a9b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f4051',
    DiscoKey: 'discokey:2f4b2a0b6c0d4e0f8a9b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f4051',
    Addresses: ['100.64.0.7/32', 'fd7a:115c:a1e0::7/128'],
    AllowedIPs: ['100.64.0.7/32', 'fd7a:115c:a1e0::7/128'],
    Endpoints: ['192.0.2.7:41641'],
    HomeDERP: 999,
    Hostinfo: { OS: 'linux', Hostname: 'pve1', Services: [{ Proto: 'peerapi4', Port: 40123 }] },
    Created: '2026-03-01T10:00:00.123456789Z',
    Cap: 113,
    Online: true,
    ComputedName: 'pve1',
    ComputedNameWithHost: 'pve1',
    ...node,
  },
  UserProfile: { ID: 2, LoginName: 'alice@example.net', DisplayName: 'Alice', ...user },
  CapMap: null,
});
const tagged = { LoginName: 'tagged-devices', DisplayName: 'Tagged Devices' };

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).reverse()) clean();
});

type Daemon = { readonly peers: TailnetPeers; readonly asked: string[]; pass(ms: number): void };

/** A local API on a socket of its own, and who asks it. */
async function start(listener: RequestListener | null, timeoutMs = 5_000): Promise<Daemon> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-tailnet-'));
  const socketPath = join(folder, 'tailscaled.sock');
  const asked: string[] = [];
  let now = 0;
  if (listener !== null) {
    const server = createServer((request, response) => {
      asked.push(`${request.headers.host} ${decodeURIComponent(request.url ?? '')}`);
      listener(request, response);
    });
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    cleanups.push(() => {
      server.closeAllConnections();
      server.close();
    });
  }
  const peers = createTailnetPeers({ socketPath, monotonicMs: () => now, timeoutMs });
  cleanups.push(() => rmSync(folder, { recursive: true }), peers.close);
  return {
    peers,
    asked,
    pass: (ms) => {
      now += ms;
    },
  };
}

const telling =
  (node: object = {}, user: object = {}): RequestListener =>
  (_, response) =>
    void response.end(JSON.stringify(answerOf(node, user)));
/** As tailscaled says that it knows no such peer. */
const unknown: RequestListener = (_, response) => void response.writeHead(404).end('no match for IP:port\n');

describe('names of tailnet peers', () => {
  test('a node of a user is told with its user', async () => {
    const { peers, asked } = await start(telling());
    assert.equal(await peers.nameOf('100.64.0.7', 50123), 'pve1.example.net (alice@example.net)');
    assert.deepEqual(asked, ['local-tailscaled.sock /localapi/v0/whois?addr=100.64.0.7:50123']);
  });

  test('a tagged node is told with its tags, and never as a user', async () => {
    const tags = { Tags: ['tag:relay', 'tag:home'] };
    const { peers } = await start(telling(tags, tagged));
    assert.equal(await peers.nameOf('100.64.0.7', 1), 'pve1.example.net [tag:relay,tag:home]');
    // Whoever runs the tailnet may give a tagged node any user's profile.
    const posing = await start(telling(tags, { LoginName: 'operator' }));
    assert.equal(await posing.peers.nameOf('100.64.0.7', 1), 'pve1.example.net [tag:relay,tag:home]');
    const bare = await start(telling({ Tags: null }, tagged));
    assert.equal(await bare.peers.nameOf('100.64.0.7', 1), 'pve1.example.net');
  });

  test('addresses of the tailnet alone are asked for, in both families', async () => {
    const { peers, asked } = await start(telling());
    for (const address of [
      '127.0.0.1',
      '192.0.2.1',
      '100.63.255.255',
      '100.128.0.0',
      '::1',
      'fd7a:115c:a1e1::7',
      '2001:db8::1',
      undefined,
    ]) {
      assert.equal(peers.nameOf(address, 1), undefined, String(address));
    }
    for (const [address, place] of [
      ['100.64.0.0', '100.64.0.0:1'],
      ['100.127.255.255', '100.127.255.255:1'],
      ['::ffff:100.64.0.9', '100.64.0.9:1'],
      ['fd7a:115c:a1e0::7', '[fd7a:115c:a1e0::7]:1'],
    ]) {
      assert.notEqual(await peers.nameOf(address, 1), null, address);
      assert.ok(asked.at(-1)?.endsWith(`addr=${place}`), asked.at(-1));
    }
  });

  test('a peer that the daemon does not know, such as a spoofed one, has no name', async () => {
    const { peers, asked, pass } = await start(unknown);
    assert.equal(await peers.nameOf('100.64.0.66', 1), null);
    assert.equal(await peers.nameOf('100.64.0.66', 2), null);
    assert.equal(asked.length, 1);
    pass(5_001);
    assert.equal(await peers.nameOf('100.64.0.66', 3), null);
    assert.equal(asked.length, 2);
  });

  test('a name is kept for a minute, one question serves all that ask at once', async () => {
    const { peers, asked, pass } = await start(telling());
    const names = await Promise.all([1, 2, 3].map((port) => peers.nameOf('100.64.0.7', port)));
    assert.equal(new Set(names).size, 1);
    pass(59_000);
    await peers.nameOf('100.64.0.7', 4);
    assert.equal(asked.length, 1);
    pass(2_000);
    await peers.nameOf('100.64.0.7', 5);
    assert.equal(asked.length, 2);
  });

  test('a daemon that hangs is waited for no longer than the limit, and keeps no connection', async () => {
    const open = new Set<unknown>();
    const { peers, asked } = await start((request) => {
      open.add(request.socket);
      request.socket.on('close', () => open.delete(request.socket));
    }, 100);
    await import('tslocal');
    const startedMs = performance.now();
    assert.equal(await peers.nameOf('100.64.0.7', 1), null);
    assert.ok(performance.now() - startedMs < 2_000);
    while (open.size > 0) await new Promise((resolve) => setImmediate(resolve));
    // Nobody is asked again at once.
    assert.equal(await peers.nameOf('100.64.0.7', 2), null);
    assert.equal(asked.length, 1);
  });

  test('many at once do not wait for a daemon that hangs: those beyond the cap have no name at once', async () => {
    const { peers, asked } = await start(() => {}, 300);
    const names = Array.from({ length: 100 }, (_, index) => peers.nameOf(`100.64.1.${index}`, 1));
    assert.deepEqual(new Set(await Promise.all(names)), new Set([null]));
    assert.ok(asked.length <= 8, `${asked.length}`);
  });

  test('what is no answer, and where no daemon is, gives no name', async () => {
    const odd: RequestListener[] = [
      (_, response) => void response.end('no JSON'),
      (_, response) => void response.end('{"Node":{"Name":7}}'),
      (_, response) => void response.end('{}'),
      (_, response) => void response.writeHead(403).end('access denied'),
      (request) => void request.socket.destroy(),
    ];
    for (const listener of odd) {
      const { peers } = await start(listener);
      assert.equal(await peers.nameOf('100.64.0.7', 1), null);
    }
    assert.equal(await (await start(null)).peers.nameOf('100.64.0.7', 1), null);
  });

  test('threat 20: a name is text of somebody else: it is short, and one word of a log line', async () => {
    const { peers } = await start(
      telling({ Name: `a\n{"event":"x"} \u202e${'b'.repeat(500)}`, Tags: Array(99).fill('tag:\u001b[31m') }),
    );
    const name = (await peers.nameOf('100.64.0.7', 1))!;
    assert.match(name, /^[A-Za-z0-9._@:+?-]{1,80} \[[A-Za-z0-9._@:+?,-]+\]$/);
    assert.ok(name.length < 800);
  });

  test('the control plane writes it beside the address, and refuses as ever', async (t) => {
    const peers: TailnetPeers = { nameOf: async () => 'pve1.example.net [tag:relay]', close: () => {} };
    const named = await startTestServer(t, { peers });
    const plain = await startTestServer(t, {});
    const call = { method: 'GET', url: '/v1/status' };
    const [one, other] = [await callOrigin(named.origin, call), await callOrigin(plain.origin, call)];
    assert.deepEqual([one.status, one.text], [other.status, other.text]);
    assert.equal(one.status, 401);
    const fieldsOf = (server: typeof named) => server.logs.find(({ event }) => event === 'request')!.fields;
    assert.partialDeepStrictEqual(fieldsOf(named), {
      source: '127.0.0.1',
      peer: 'pve1.example.net [tag:relay]',
    });
    assert.equal(fieldsOf(plain).peer, undefined);
  });
});

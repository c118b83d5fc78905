import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect as startTls } from 'node:tls';
import { type Checker, findChecker } from '../support/checkers.ts';
import { proofOf, startClaimedServer } from '../support/claimed-server.ts';
import { buildEdge } from '../support/edge-home.ts';
import { type EdgeWorld, openEdgeWorld, untilClosed } from '../support/lab/edge-world.ts';
import { addresses } from '../support/lab/network.ts';
import { missing } from '../support/missing.ts';
import { proxyHeader } from '../support/proxy-protocol.ts';
import { smuggling } from '../support/smuggling.ts';

const { cloud } = addresses;
const home = '192.168.20.32';
const options = {
  haproxy: { stats: '/run/haproxy.sock', limits: { rate: 150 } },
  unbound: { zone: 'static', mx: [{ name: 'nas', exchange: 'mx.example.org' }] },
};

function runIn(haproxy: Checker, unbound: Checker): void {
  let world: EdgeWorld;
  before(async () => {
    const built = await buildEdge({}, options);
    assert.deepEqual(built.findings, []);
    world = await openEdgeWorld(built, { haproxy, unbound });
  });
  after(() => world?.close());

  test('a public name reaches the proxy of its own machine, unopened, which sees who asks', async () => {
    for (const [name, guest, app] of [
      ['graph', 'secsvcs', 'graph'],
      ['media', 'websvcs', 'media'],
      ['MUSIC', 'websvcs', 'media'],
    ] as const) {
      const heard = await world.ask('phone', cloud, 443, {
        sni: `${name}.example.net`,
        host: `${name.toLowerCase()}.example.net`,
      });
      assert.equal(heard?.body, `public ${app} for ${addresses.phone}`, name);
      assert.equal(heard.certificate.trim(), world.certificateOf(guest).trim());
    }
  });

  test('threat 29: a home-only name is not passed on, not even behind a public one', async () => {
    await world.refused(
      (socket) => void startTls({ socket, servername: 'hass.example.net' }).on('error', () => {}),
    );
    const behind = { sni: 'graph.example.net', host: 'waking.example.net' };
    assert.equal((await world.ask('phone', cloud, 443, behind))?.status, 404);
    // At home it is there.
    const heard = await world.ask('desk', home, 443, { sni: 'hass.example.net' });
    assert.equal(heard?.body, `home hass for ${addresses.desk}`);
  });

  test('threat 29: a public machine that is taken asks for a home-only name itself, in vain', async () => {
    const call = { sni: 'hass.example.net', pretend: addresses.desk };
    const heard = await world.ask('cloud', home, 8443, call);
    assert.equal(heard?.status, 404, 'the entry is reached, and has no such name');
    assert.equal(
      (await world.ask('cloud', '100.64.0.31', 8443, { ...call, sni: 'waking.example.net' }))?.status,
      404,
    );
  });

  test('threat 29: what is for home alone is out of reach of the public machine', async () => {
    for (const [host, port] of [
      [home, 443],
      [home, 80],
      ['100.64.0.31', 443],
      ['192.168.20.1', 53],
      [addresses.desk, 22],
      [addresses.pve1, 8006],
    ] as const) {
      await assert.rejects(
        world.places.dial('cloud', host, port),
        { code: 'ECONNREFUSED' },
        `${host}:${port}`,
      );
    }
    (await world.places.dial('cloud', home, 8443)).destroy();
  });

  test('threat 29: a PROXY header of anyone but the public machine is not believed', async () => {
    const call = { sni: 'graph.example.net', pretend: '192.168.20.1' };
    assert.equal(await world.ask('desk', '192.168.20.31', 8443, call), null);
    const named = await world.ask('desk', '192.168.20.31', 8443, { sni: call.sni });
    assert.equal(named?.body, `public graph for ${addresses.desk}`);
  });

  test('names of a machine that sleeps are answered by the one that is awake, and then by their own again', async () => {
    const asked = () => world.ask('phone', cloud, 443, { sni: 'media.example.net' });
    await world.places.shut('websvcs');
    await world.haproxy.until('be_websvcs/BACKEND', 'status', (status) => status === 'DOWN');
    assert.equal((await asked())?.body, `public waking for ${addresses.phone}`);
    assert.equal((await world.ask('phone', cloud, 443, { sni: 'graph.example.net' }))?.status, 200);
    await world.open('websvcs');
    await world.haproxy.until('be_websvcs/BACKEND', 'status', (status) => status === 'UP');
    assert.equal((await asked())?.body, `public media for ${addresses.phone}`);
  });

  test('unknown names, no name, and what is no TLS are dropped without an answer', async () => {
    const { refused } = world;
    const named = (servername?: string) =>
      refused((socket) => void startTls({ socket, ...(servername && { servername }) }).on('error', () => {}));
    for (const name of [
      'nobody.example.net',
      'example.net',
      'graph.example.net.evil.example',
      'agraph.example.net',
    ]) {
      await named(name);
    }
    await named();
    await refused((socket) => socket.write('GET / HTTP/1.1\r\nHost: graph.example.net\r\n\r\n'));
    await refused((socket) => socket.write(Buffer.alloc(600, 0x16)));
    await refused((socket) => {
      socket.write(proxyHeader('192.168.20.21', cloud));
      startTls({ socket, servername: 'graph.example.net' }).on('error', () => {});
    });
  });

  test('plain HTTP is sent to HTTPS for public names, and dropped for others', async () => {
    const socket = await world.places.dial('phone', cloud, 80);
    socket.write('GET /a?b=1 HTTP/1.1\r\nHost: Graph.example.net:80\r\nConnection: close\r\n\r\n');
    const text = await untilClosed(socket);
    assert.match(text, /^HTTP\/1\.1 308 /);
    assert.match(text, /\r\nlocation: https:\/\/graph\.example\.net\/a\?b=1\r\n/i);
    for (const host of ['hass.example.net', 'nobody.example', `${cloud}`]) {
      await world.refused((one) => one.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`), 80);
    }
  });

  test('DNS at home answers as the manifest says', async () => {
    const asked = (name: string, type: 'A' | 'AAAA' | 'PTR' | 'MX' = 'A') => world.dns('desk', name, type);
    const yes = (...data: string[]) => ({ rcode: 'NOERROR', data });
    assert.deepEqual(await asked('graph.example.net'), yes('192.168.20.31'));
    assert.deepEqual(await asked('hass.example.net'), yes(home));
    assert.deepEqual(await asked('nas.example.net'), yes('192.168.20.60'));
    assert.deepEqual(await asked('nas.example.net', 'MX'), yes('10 mx.example.org'));
    assert.deepEqual(await asked('graph.example.net', 'AAAA'), yes());
    assert.deepEqual(await asked('32.20.168.192.in-addr.arpa', 'PTR'), yes('hass.example.net'));
    assert.deepEqual(await asked('nobody.example.net'), { rcode: 'NXDOMAIN', data: [] });
    // Of no address at home: what is known outside.
    assert.deepEqual(await asked('writ.example.net'), yes(cloud));
  });

  test('threat 19: what parsers could read in two ways is refused behind HAProxy, and nothing is smuggled', async (t) => {
    const { home: writ, server } = await startClaimedServer(t);
    world.leadTo(Number(new URL(server.origin).port));
    await world.haproxy.until('local_8420/BACKEND', 'status', (status) => status === 'UP');
    const say = async (text: string): Promise<string> => {
      const socket = await world.tls('phone', cloud, 443, 'writ.example.net');
      socket.write(text);
      return untilClosed(socket);
    };
    const close = 'Connection: close\r\n';
    const proof = await proofOf(writ.id, writ.operator, { method: 'GET', url: '/v1/tokens' });
    // An order that would be obeyed: a proof is good once, and in the end it still is.
    const hidden = `GET /v1/tokens HTTP/1.1\r\nHost: writ\r\n${close}Authorization: ${proof}\r\n\r\n`;
    for (const [name, head] of Object.entries(smuggling)) {
      const text = await say(head.replace(' /a ', ' /v1/tokens ') + hidden);
      assert.match(text, /^HTTP\/1\.1 (400|401|408|431|505) /, `${name}: ${text.slice(0, 80)}`);
      assert.doesNotMatch(text, /HTTP\/1\.1 2/, name);
    }
    for (const path of malformed) {
      const text = await say(`GET ${path} HTTP/1.1\r\nHost: writ\r\n${close}Authorization: ${proof}\r\n\r\n`);
      assert.match(text, /^(HTTP\/1\.1 40[04] |$)/, `${path}: ${text.slice(0, 80)}`);
    }
    // What proxies say of callers, and what some frameworks take for another path or method.
    const unknown = status(await say(`GET /v1/tokens HTTP/1.1\r\nHost: writ\r\n${close}\r\n`));
    assert.equal(unknown, 401);
    for (const header of headers) {
      const text = await say(`GET /v1/tokens HTTP/1.1\r\nHost: writ\r\n${close}${header}\r\n\r\n`);
      assert.equal(status(text), 401, header);
    }
    const inside = await say(`${proxyHeader('127.0.0.1', '127.0.0.1').toString('latin1')}${hidden}`);
    assert.match(inside, /^HTTP\/1\.1 400 /);
    assert.equal(status(await say(hidden)), 200, 'nothing has used the proof');
  });

  test('a source that opens too many connections is shut out, and others are not', async () => {
    const asked = (place: string) => world.ask(place, cloud, 443, { sni: 'graph.example.net' });
    assert.equal((await asked('phone'))?.status, 200);
    for (let i = 0; i < 160; i += 1)
      (await world.places.dial('phone', cloud, 443).catch(() => null))?.destroy();
    assert.equal(await asked('phone').catch(() => null), null);
    assert.equal((await asked('desk'))?.status, 200, 'whose address is another');
    assert.match(await world.haproxy.tell('show table sources'), /key=::ffff:203\.0\.113\.30 .* gpc0=[1-9]/);
  });
}

const status = (text: string): number => Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]);

const malformed: readonly string[] = [
  ...['https://writ.example.net/v1/tokens', 'writ.example.net:443', '//writ/v1/tokens', '/v1\\tokens', '*'],
  ...[
    '/v1/status/../tokens',
    '/v1/./tokens',
    '/v1//tokens',
    '/v1/%74okens',
    '/v1/tokens%0d%0aX:%20y',
    '/v1/tokens#a',
  ],
];

const headers: readonly string[] = [
  ...['X-Forwarded-For: 127.0.0.1', 'Forwarded: for=127.0.0.1;proto=https', 'X-Real-IP: 127.0.0.1'],
  ...[
    'X-Forwarded-User: operator',
    'Remote-User: operator',
    'X-Forwarded-Client-Cert: Subject="CN=operator"',
  ],
  ...['X-Original-URL: /v1/openapi.json', 'X-Rewrite-URL: /v1/openapi.json', 'X-HTTP-Method-Override: POST'],
  ...[
    'X-Forwarded-Proto: https\r\nX-Forwarded-Host: localhost',
    'Via: 1.1 localhost',
    'X-Remote-Groups: admins',
  ],
];

const haproxies = findChecker('haproxy');
const unbounds = findChecker('unbound');
if (process.getuid?.() !== 0) missing('root, for traffic in network namespaces');
else if (haproxies.length === 0) missing('haproxy, for traffic in network namespaces');
else if (unbounds.length === 0) missing('unbound, for traffic in network namespaces');
else {
  for (const [index, haproxy] of haproxies.entries()) {
    const unbound = unbounds[index] ?? unbounds.at(-1)!;
    describe(`${haproxy.version}, Unbound ${unbound.version}`, () => runIn(haproxy, unbound));
  }
}

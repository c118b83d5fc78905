import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { METHODS } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import type { Surroundings } from '../../../src/http/deps.ts';
import { makeCertificate, pinOf } from '../../../src/node/certificate.ts';
import { type FetchHandler, type ListenerLimits, listen } from '../../../src/node/listener.ts';
import { smuggled, smuggling } from '../../support/smuggling.ts';

type Heard = { readonly request: Request; readonly surroundings: Surroundings };

async function start(
  t: TestContext,
  handle: FetchHandler = () => new Response('fine'),
  limits: Partial<ListenerLimits> = {},
) {
  const heard: Heard[] = [];
  const certificate = await makeCertificate(['127.0.0.1'], new Date());
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    certificate,
    limits,
    handle: (request, surroundings) => {
      heard.push({ request, surroundings });
      return handle(request, surroundings);
    },
  });
  t.after(() => listener.close(0));
  const { port } = listener.address;
  const dial = async (): Promise<TLSSocket> => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    t.after(() => socket.destroy());
    return socket;
  };
  /** Sends bytes as they are, and gives all that comes until the server hangs up. */
  const say = async (text: string): Promise<string> => {
    const socket = await dial();
    socket.write(text);
    return untilClosed(socket);
  };
  return { heard, listener, certificate, dial, say, port };
}

async function untilClosed(socket: TLSSocket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  // An error, such as a write after the end, is a way to close as well.
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

const host = 'Host: writ\r\n';
const close = 'Connection: close\r\n';

describe('the listener', () => {
  test('threat 18: what two parsers could read as two requests is none', async (t) => {
    const { say, heard } = await start(t);
    for (const [name, head] of Object.entries(smuggling)) {
      const before = heard.length;
      const answer = await say(head + smuggled);
      assert.match(
        answer,
        /^HTTP\/1\.1 (400|408|431|505) /,
        `${name}: ${JSON.stringify(answer.slice(0, 80))}`,
      );
      const after = heard.slice(before).map(({ surroundings }) => surroundings.target);
      assert.ok(!after.includes('/smuggled'), `${name}: nothing behind it is read`);
      // The head of a chunked request is sound; its reader gets an error.
      if (name !== 'a bad chunk') assert.deepEqual(after, [], name);
    }
    // Sound in their form, so that they end where they say; refused all the same.
    for (const hosts of ['', `${host}Host: other\r\n`]) {
      assert.match(await say(`GET /hosts HTTP/1.1\r\n${hosts}\r\n`), /^HTTP\/1\.1 400 /);
    }
    assert.ok(heard.every(({ surroundings }) => surroundings.target !== '/hosts'));
    assert.match(await say(`GET /good HTTP/1.1\r\n${host}${close}\r\n`), /^HTTP\/1\.1 200 /);
  });

  test('every method that the parser knows is answered, and none ends the process', async (t) => {
    const { say, heard } = await start(t);
    for (const method of METHODS.filter((one) => one !== 'CONNECT')) {
      const answer = await say(`${method} /a HTTP/1.1\r\n${host}${close}\r\n`);
      assert.match(answer, method === 'TRACE' ? /^HTTP\/1\.1 501 / : /^HTTP\/1\.1 200 /, method);
    }
    assert.equal(await say(`CONNECT a:1 HTTP/1.1\r\n${host}\r\n`), '');
    assert.ok(heard.every(({ request }) => request.method !== 'TRACE'));
  });

  test('threat 18: a target reaches the app as it stands in the request line', async (t) => {
    const { say, heard } = await start(t);
    for (const target of ['/a/../b', '/a?x=1', '//host/a', '/a%2fb', 'https://writ/a', '*', '/a?b|c']) {
      await say(`${target === '*' ? 'OPTIONS' : 'GET'} ${target} HTTP/1.1\r\n${host}${close}\r\n`);
      assert.equal(heard.at(-1)?.surroundings.target, target);
    }
    await say(`GET /a HTTP/1.1\r\n${host}X-Forwarded-For: 203.0.113.9\r\n${close}\r\n`);
    assert.equal(heard.at(-1)?.surroundings.source, '127.0.0.1');
  });

  test('threat 7: headers without end, or too slow, are cut', async (t) => {
    const { say, dial, heard } = await start(t, undefined, {
      headersMs: 100,
      requestMs: 200,
      checkEveryMs: 20,
    });
    const large = await say(`GET /a HTTP/1.1\r\n${host}X: ${'x'.repeat(40_000)}\r\n\r\n`);
    assert.match(large, /^HTTP\/1\.1 431 /);
    const slow = await dial();
    slow.write('GET /a HTTP/1.1\r\nHost: wr');
    assert.match(await untilClosed(slow), /^HTTP\/1\.1 408 /);
    assert.deepEqual(heard, []);
  });

  test('threat 7: an endless body is answered, and the connection ends', async (t) => {
    const { dial } = await start(t, () => new Response('no', { status: 413 }));
    const socket = await dial();
    socket.write(`POST /a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const pump = (): void => {
      while (!socket.destroyed && socket.writable && socket.write(chunk));
    };
    socket.on('drain', pump);
    pump();
    const answer = await untilClosed(socket);
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.match(answer, /connection: close/i);
  });

  test('a body streams, and is invited only when it is read', async (t) => {
    const { dial } = await start(t, async (request) =>
      request.url.endsWith('/refused')
        ? new Response('no', { status: 401 })
        : new Response(await request.text()),
    );
    const asked = await dial();
    asked.write(`POST /a HTTP/1.1\r\n${host}${close}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`);
    const [first] = (await once(asked, 'data')) as [Buffer];
    assert.match(String(first), /^HTTP\/1\.1 100 /);
    asked.write('hello');
    assert.match(await untilClosed(asked), /hello$/);
    const refused = await dial();
    refused.write(`POST /refused HTTP/1.1\r\n${host}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`);
    const answer = await untilClosed(refused);
    assert.match(answer, /^HTTP\/1\.1 401 /, 'no 100 before it');
  });

  test('a body that is cut short is an error to its reader', async (t) => {
    const failed = Promise.withResolvers<unknown>();
    const { dial } = await start(t, async (request) => {
      await request.text().then(() => failed.resolve(null), failed.resolve);
      return new Response('');
    });
    const socket = await dial();
    socket.write(`POST /a HTTP/1.1\r\n${host}Content-Length: 50\r\n\r\nhalf`);
    socket.end();
    assert.ok((await failed.promise) instanceof Error);
  });

  test('the signal fires when the caller leaves, and not otherwise', async (t) => {
    const arrived = Promise.withResolvers<AbortSignal>();
    const { dial, say, heard } = await start(t, (request) => {
      if (request.url.endsWith('/quick')) return new Response('');
      arrived.resolve(request.signal);
      return new Promise<Response>((resolve) => {
        request.signal.addEventListener('abort', () => resolve(new Response('')));
      });
    });
    const socket = await dial();
    socket.write(`GET /parked HTTP/1.1\r\n${host}\r\n`);
    const signal = await arrived.promise;
    assert.equal(signal.aborted, false);
    const left = once(signal, 'abort');
    socket.destroy();
    await left;
    await say(`GET /quick HTTP/1.1\r\n${host}${close}\r\n`);
    assert.equal(heard.at(-1)?.request.signal.aborted, false);
  });

  test('a stream goes out as it comes, and its source is told when the caller leaves', async (t) => {
    const cancelled = Promise.withResolvers<void>();
    let push = (_: string): void => {};
    const { dial } = await start(t, () => {
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          push = (text) => controller.enqueue(new TextEncoder().encode(text));
        },
        cancel: () => cancelled.resolve(),
      });
      return new Response(stream, { headers: { 'content-type': 'text/event-stream' } });
    });
    const socket = await dial();
    let seen = '';
    socket.on('data', (chunk) => {
      seen += chunk;
    });
    const sees = async (text: string): Promise<void> => {
      while (!seen.includes(text)) await once(socket, 'data');
    };
    socket.write(`GET /events HTTP/1.1\r\n${host}\r\n`);
    await sees('200 OK');
    push('one');
    await sees('one');
    push('two');
    await sees('two');
    socket.destroy();
    await cancelled.promise;
  });

  test('connections are kept between requests, and pipelined ones answered in order', async (t) => {
    const { dial } = await start(t, (request) => new Response(new URL(request.url).pathname));
    const socket = await dial();
    socket.write(`GET /one HTTP/1.1\r\n${host}\r\nGET /two HTTP/1.1\r\n${host}${close}\r\n`);
    const text = await untilClosed(socket);
    assert.ok(text.indexOf('/one') > 0 && text.indexOf('/two') > text.indexOf('/one'));
  });

  test('more connections than the cap are turned away, when all are of those who are known', async (t) => {
    const handle: FetchHandler = (_, { known }) => {
      known?.('somebody');
      return new Response('fine');
    };
    const { dial, port } = await start(t, handle, { maxConnections: 2 });
    for (let count = 0; count < 2; count += 1) {
      const known = await dial();
      known.write(`GET /a HTTP/1.1\r\n${host}\r\n`);
      await once(known, 'data');
    }
    const third = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    third.on('error', () => {});
    await new Promise((resolve) => third.once('close', resolve));
    assert.equal(third.authorized, false);
    assert.equal(third.getPeerX509Certificate(), undefined, 'not even a handshake');
  });

  test('speaks TLS 1.2 and above, and HTTP/1.1 alone', async (t) => {
    const { port } = await start(t);
    const old = connect({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const [error] = (await once(old, 'error')) as [Error & { code: string }];
    assert.match(error.code, /TLS|SSL|ECONNRESET/);
    const modern = connect({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    await once(modern, 'secureConnect');
    assert.equal(modern.alpnProtocol, 'http/1.1');
    modern.destroy();
  });
});

test('a certificate of one’s own names where it serves, is no authority, and outlives its machine', async () => {
  const now = new Date('2026-11-22T00:00:00Z');
  const { certificatePem } = await makeCertificate(
    ['localhost', '127.0.0.1', '100.64.0.1', 'fd7a:115c::1', '::1'],
    now,
  );
  const certificate = new X509Certificate(certificatePem);
  assert.equal(
    certificate.subjectAltName,
    'DNS:localhost, IP Address:127.0.0.1, IP Address:100.64.0.1, IP Address:FD7A:115C:0:0:0:0:0:1, IP Address:0:0:0:0:0:0:0:1',
  );
  assert.equal(certificate.ca, false);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.ok(new Date(certificate.validFrom) < now);
  assert.ok(new Date(certificate.validTo).getUTCFullYear() >= 2056);
  assert.equal(certificate.checkHost('localhost'), 'localhost');
  assert.equal(certificate.checkIP('100.64.0.1'), '100.64.0.1');
  assert.match(pinOf(certificatePem), /^sha256:[0-9a-f]{64}$/);
});

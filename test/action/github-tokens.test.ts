import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { githubTokens } from '../../action/deploy/github-tokens.ts';
import { openApi } from '../../action/deploy/open-api.ts';
import { fetchTrust } from '../../action/deploy/trust.ts';
import { runnerOf } from '../../action/runner/runner.ts';
import { type Api, anyAnswer } from '../../src/cli/api.ts';
import { documentOf, startLiar } from '../support/lying-control.ts';

const never = new AbortController().signal;

type Asked = { readonly url: string; readonly authorization: string };

/** A server that answers each request by the next of these, the last one for ever. */
async function serve(t: TestContext, ...answers: ((response: ServerResponse) => unknown)[]) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', authorization: request.headers.authorization ?? '' });
    (answers[asked.length - 1] ?? answers.at(-1)!)(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const token = (value: unknown) => (response: ServerResponse) =>
  response.end(JSON.stringify({ count: 1, value }));
const status = (code: number) => (response: ServerResponse) => response.writeHead(code).end('{}');

function tokensOf(origin: string) {
  const lines: string[] = [];
  const env = {
    ACTIONS_ID_TOKEN_REQUEST_URL: `${origin}/token?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'bearer',
  };
  const runner = runnerOf(env, (line) => lines.push(line));
  return { lines, ask: githubTokens({ runner, signal: never }) };
}

test('a token is asked for by its audience, once more after trouble, and is hidden before it is used', async (t) => {
  const { origin, asked } = await serve(t, status(503), token('a.b.c'));
  const { ask, lines } = tokensOf(origin);
  assert.deepEqual(await ask('writ:h_1:status'), { ok: true, value: 'a.b.c' });
  assert.deepEqual(lines, ['::add-mask::a.b.c']);
  assert.deepEqual(asked.at(-1), {
    url: '/token?api-version=2.0&audience=writ%3Ah_1%3Astatus',
    authorization: 'Bearer bearer',
  });
  assert.equal(asked.length, 2);
});

test('what is no token is none, and what is refused is not asked for again', async (t) => {
  for (const [answer, says, times] of [
    [status(403), /status 403/, 1],
    [status(302), /status 302/, 1],
    [token(7), /that is no token/, 1],
    [token('a b.c.d'), /that is no token/, 1],
    [token('::error::x'), /that is no token/, 1],
    [token('a.b'), /that is no token/, 1],
    [token(`${'a'.repeat(9000)}.b.c`), /that is no token/, 1],
    [token(`${'a'.repeat(90_000)}.b.c`), /more than/, 1],
  ] as const) {
    const { origin, asked } = await serve(t, answer);
    const { ask, lines } = tokensOf(origin);
    const got = await ask('x');
    assert.ok(!got.ok && got.reason === 'id_token_unreachable', JSON.stringify(got));
    assert.match(got.detail, says);
    assert.equal(asked.length, times);
    assert.deepEqual(lines, []);
  }
  const off = tokensOf('http://192.0.2.1');
  const plain = await off.ask('x');
  assert.ok(!plain.ok);
  assert.match(plain.detail, /refused to speak without TLS/);
});

test('the control plane is asked with one status token, and with a new one before it grows old', async (t) => {
  const { origin, asked } = await serve(t, (response) => response.end('{}'));
  let now = 1_000_000;
  let made = 0;
  const audiences: string[] = [];
  const api = openApi(
    { now: () => now, random: (bytes) => new Uint8Array(bytes), signal: never },
    { origin, spki: null, home: 'h_1' },
    async (audience) => {
      audiences.push(audience);
      made += 1;
      return made < 3
        ? { ok: true, value: `token-${made}` }
        : { ok: false, exit: 4, reason: 'id_token_unreachable', detail: 'No.' };
    },
  );
  const call = () => api.call({ method: 'GET', url: '/v1/trust', answer: anyAnswer });
  assert.ok((await call()).ok);
  now += 2 * 60_000;
  assert.ok((await call()).ok);
  now += 2 * 60_000;
  assert.ok((await call()).ok);
  now += 4 * 60_000;
  const last = await call();
  assert.ok(!last.ok && last.reason === 'id_token_unreachable');
  assert.deepEqual(
    asked.map(({ authorization }) => authorization),
    ['Bearer token-1', 'Bearer token-1', 'Bearer token-2'],
  );
  assert.deepEqual([...new Set(audiences)], ['writ:h_1:status']);
});

test('an expired trust document, and one of another home, prove nothing', async (t) => {
  const liar = await startLiar(t);
  const [version] = liar.versions;
  const { digest } = JSON.parse((await liar.writ('trust', 'show', '--json')).out) as { digest: string };
  const api = {
    call: async () => ({ ok: true, value: { versions: liar.versions }, status: 200, certificate: null }),
  } as unknown as Api;
  const { home, expires } = documentOf(version!);
  const at = async (now: number, of = home): Promise<string> => {
    const read = await fetchTrust(api, { pin: digest, home: of, now });
    return read.ok ? read.value.digest : `${read.reason}: ${read.detail}`;
  };
  assert.equal(await at(Date.now()), digest);
  assert.match(await at(Date.parse(expires) + 1), /^trust_unproven: The trust document has expired/);
  assert.match(await at(Date.now(), 'h_01K0000000000000000000000A'), /^trust_unproven: .*another home/);
});

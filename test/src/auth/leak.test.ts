import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { codeOf, makeTestApp } from '../../support/http-app.ts';

describe('a token in a URL', () => {
  test('threat 25: is refused wherever it stands, and revoked', async () => {
    const places: readonly ((token: string) => string)[] = [
      (token) => `/v1/status?token=${token}`,
      (token) => `/v1/status?access_token=${token}&x=1`,
      (token) => `/v1/status?${token}`,
      (token) => `/v1/status?${token}=1`,
      (token) => `/v1/status?a=b${encodeURIComponent(' ')}${token}`,
      (token) => `/v1/${token}/status`,
      (token) => `/${token}`,
      (token) => `/v1/status?t=${token.replaceAll('.', '%2E')}`,
      (token) => `/v1/status?t=${[...token].map((char) => `%${char.charCodeAt(0).toString(16)}`).join('')}`,
      (token) => `/v1/status?t=${token.replaceAll('.', '%252e')}`,
      (token) => `/v1/status?u=${encodeURIComponent(`https://x/?t=${encodeURIComponent(token)}`)}`,
      (token) => `/healthz?t=${token}`,
      (token) => `/unlisted?t=${token}`,
      (token) => `/v1/status?t=Bearer%20${token}trailing`,
      (token) => `/v1/status?pad=${'x'.repeat(3000)}&t=${token}`,
    ];
    for (const place of places) {
      const app = await makeTestApp();
      const token = await app.token(['status']);
      const id = [...app.fake.tokens.keys()][0]!;
      assert.equal((await app.asToken(token, '/v1/status')).status, 200);
      const url = place(token);
      const response = await app.request(url);
      assert.equal(response.status, 401, url.slice(0, 60));
      assert.equal(await codeOf(response), 'token_in_url', url.slice(0, 60));
      assert.deepEqual(app.fake.leaked, [id]);
      assert.equal((await app.asToken(token, '/v1/status')).status, 401, 'it is of no use any more');
      assert.ok(!JSON.stringify(app.logs).includes(token), 'nor is it in the log');
    }
  });

  test('threat 25: is refused also where the same is in the header, and with any method', async () => {
    const app = await makeTestApp();
    const token = await app.token(['status', 'guest.start@gaming']);
    const response = await app.asToken(token, `/v1/guests/gaming/start?t=${token}`, { method: 'POST' });
    assert.equal(response.status, 401);
    assert.deepEqual(app.fake.calls, []);
  });

  test('threat 25: of another home or a stranger’s making is refused, and revokes nothing', async () => {
    const app = await makeTestApp();
    const other = await makeTestApp();
    const foreign = await other.token(['status'], { jti: 'tok_01ARZ3NDEKTSV4RRFFQ69G5FAV' });
    const response = await app.request(`/v1/status?t=${foreign}`);
    assert.equal(await codeOf(response), 'token_in_url');
    assert.deepEqual(app.fake.leaked, []);
  });

  test('what is no token is no leak', async () => {
    const app = await makeTestApp();
    assert.equal(await codeOf(await app.request('/v1/eyJub3Q.a.token')), 'route_unknown');
    assert.equal((await app.request('/healthz')).status, 200);
  });
});

describe('rates', () => {
  test('threat 25: failed attempts of an address are told off, and valid credentials from there are not touched', async () => {
    const app = await makeTestApp({ limits: { failureBurst: 5, failureEveryMs: 60_000 } });
    const token = await app.token(['status']);
    const statuses: number[] = [];
    for (let i = 0; i < 50; i += 1) {
      statuses.push((await app.asToken(`eyJ.guess.${i}`, '/v1/status')).status);
    }
    assert.deepEqual(statuses.slice(0, 5), [401, 401, 401, 401, 401]);
    assert.ok(statuses.slice(5).every((status) => status === 429));
    assert.equal((await app.asToken(token, '/v1/status')).status, 200, 'the owner behind the same proxy');
    const operator = await app.asKey(app.home.operator, '/v1/tokens');
    assert.equal(operator.status, 200);
    assert.equal((await app.asToken('eyJ.guess.x', '/v1/status', { source: '198.51.100.7' })).status, 401);
    app.now += 60_000;
    assert.equal((await app.asToken('eyJ.guess.x', '/v1/status')).status, 401, 'it passes with time');
  });

  test('threat 25: headers of a proxy do not make another address', async () => {
    const app = await makeTestApp({ limits: { failureBurst: 1, failureEveryMs: 60_000 } });
    await app.asToken('guess', '/v1/status');
    for (const name of ['x-forwarded-for', 'x-real-ip', 'forwarded', 'cf-connecting-ip', 'true-client-ip']) {
      const response = await app.asToken('guess', '/v1/status', { headers: { [name]: '203.0.113.9' } });
      assert.equal(response.status, 429, name);
    }
  });

  test('threat 25: one token’s rate is its own', async () => {
    const app = await makeTestApp({ limits: { tokenBurst: 3, tokenEveryMs: 1_000 } });
    const [busy, other] = [await app.token(['status']), await app.token(['status'])];
    const statuses: number[] = [];
    for (let i = 0; i < 5; i += 1) statuses.push((await app.asToken(busy, '/v1/status')).status);
    assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
    const limited = await app.asToken(busy, '/v1/status');
    assert.equal(limited.headers.get('retry-after'), '1');
    assert.equal((await app.asToken(other, '/v1/status')).status, 200);
    app.now += 1_000;
    assert.equal((await app.asToken(busy, '/v1/status')).status, 200);
  });

  test('a caller’s open requests are bounded, and each gives its place back', async () => {
    const app = await makeTestApp({ limits: { openAtOnce: 2 } });
    const token = await app.token(['status']);
    const leaving = [new AbortController(), new AbortController()];
    const open = await Promise.all(leaving.map(({ signal }) => app.asToken(token, '/v1/events', { signal })));
    assert.deepEqual(
      open.map(({ status }) => status),
      [200, 200],
    );
    assert.equal((await app.asToken(token, '/v1/status')).status, 429);
    leaving[0]!.abort();
    assert.equal((await app.asToken(token, '/v1/status')).status, 200);
    assert.equal((await app.asToken(token, '/v1/status')).status, 200);
    leaving[1]!.abort();
  });
});

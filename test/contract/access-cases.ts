import assert from 'node:assert/strict';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { proofOf } from '../support/claimed-server.ts';
import type { Case } from './case.ts';
import { callOf, refusedAs } from './stage.ts';

/** Claiming, tokens, proofs and what is let in at all. The first ones meet an instance that nobody has claimed. */
export const accessCases: readonly Case[] = [
  {
    name: 'an unclaimed instance is healthy, and lets nobody in',
    run: async ({ call, asKey, home }) => {
      const healthy = await call(callOf('GET', '/healthz'));
      assert.deepEqual([healthy.status, healthy.text], [200, 'ok\n']);
      refusedAs(await call(callOf('GET', '/v1/status')), 401, 'credentials_missing');
      refusedAs(await asKey(home.operator, callOf('GET', '/v1/status')), 409, 'not_set_up');
    },
  },
  {
    name: 'it is claimed once, with the setup code and the operator key of the document',
    run: async ({ claim, home }) => {
      refusedAs(await claim({ secret: 'A'.repeat(43) }), 403, 'setup_code_wrong');
      refusedAs(await claim({ key: home.relays.pve1!.signing }), 403, 'operator_key_wrong');
      const claims = await Promise.all([claim(), claim(), claim()]);
      const statuses = claims.map(({ status }) => status).sort();
      assert.deepEqual(statuses, [200, 409, 409]);
      const claimed = claims.find(({ status }) => status === 200)!;
      assert.deepEqual(claimed.json(), { home: home.id, version: 1 });
      refusedAs(await claim(), 409, 'already_set_up');
    },
  },
  {
    name: 'a token is shown once, lists by its id, and is revoked at once',
    run: async ({ makeToken, asToken, asOperator }) => {
      const { id, token } = await makeToken(['status']);
      assert.equal((await asToken(token, callOf('GET', '/v1/status'))).status, 200);
      const list = await asOperator('GET', '/v1/tokens');
      assert.ok(list.text.includes(id) && !list.text.includes(token));
      const revoked = await asOperator('DELETE', `/v1/tokens/${id}`);
      assert.ok(Number(revoked.json().revoked_at) > 0, revoked.text);
      refusedAs(await asToken(token, callOf('GET', '/v1/status')), 401, 'token_revoked');
    },
  },
  {
    name: 'the same Idempotency-Key gives the same token, and another body with it is refused',
    run: async ({ asOperator }) => {
      const key = { 'idempotency-key': 'token-for-the-phone' };
      const body = { name: 'phone', scope: ['status'] };
      const first = await asOperator('POST', '/v1/tokens', body, key);
      const again = await asOperator('POST', '/v1/tokens', body, key);
      assert.equal(first.status, 200, first.text);
      assert.equal(again.json().token, first.json().token);
      const other = await asOperator('POST', '/v1/tokens', { ...body, name: 'watch' }, key);
      refusedAs(other, 409, 'idempotency_mismatch');
      refusedAs(
        await asOperator('POST', '/v1/tokens', body, { 'idempotency-key': 'x' }),
        400,
        'idempotency_key_invalid',
      );
    },
  },
  {
    name: 'a token does what its scope names and nothing else',
    run: async ({ makeToken, asToken }) => {
      const { token } = await makeToken(['guest.start@gaming']);
      const tryIt = async (method: string, url: string): Promise<number> =>
        (await asToken(token, callOf(method, url))).status;
      assert.equal(await tryIt('GET', '/v1/status'), 403);
      assert.equal(await tryIt('POST', '/v1/guests/devtop/start'), 403);
      assert.equal(await tryIt('POST', '/v1/guests/gaming/stop'), 403);
      assert.equal(await tryIt('GET', '/v1/tokens'), 403);
      assert.equal(await tryIt('POST', '/v1/relay/poll'), 403);
    },
  },
  {
    name: 'a token that asks too often is told when to ask again, and nobody else is slowed',
    run: async ({ makeToken, asToken, asPhone }) => {
      const { token } = await makeToken(['status']);
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => asToken(token, callOf('GET', '/v1/runbooks'))),
      );
      const slowed = answers.filter(({ status }) => status === 429);
      assert.ok(slowed.length > 0);
      refusedAs(slowed[0]!, 429, 'rate_limited');
      assert.match(String(slowed[0]!.headers['retry-after']), /^[1-9]\d*$/);
      assert.equal((await asPhone('GET', '/v1/runbooks')).status, 200);
    },
  },
  {
    name: 'a forged or altered token is no token',
    run: async ({ phone, asToken, call }) => {
      const token = await phone();
      const [header, payload, signature] = token.split('.') as [string, string, string];
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
      const wider = encodeBase64url(JSON.stringify({ ...claims, scope: ['status', 'guest.stop@websvcs'] }));
      for (const forged of [`${header}.${wider}.${signature}`, `${token}=`, `${token.slice(0, -4)}AAAA`]) {
        refusedAs(await asToken(forged, callOf('GET', '/v1/status')), 401, 'credentials_invalid');
      }
      const basic = await call(callOf('GET', '/v1/status', undefined, { authorization: 'Basic eDp5' }));
      assert.equal(basic.status, 401);
      assert.match(String(basic.headers['www-authenticate']), /^Bearer/);
    },
  },
  {
    name: 'a token in a URL is refused whoever sends it, and revoked',
    run: async ({ makeToken, asToken, asOperator, subject }) => {
      const { token } = await makeToken(['status']);
      refusedAs(await asOperator('GET', `/v1/status?token=${token}`), 401, 'token_in_url');
      refusedAs(await asToken(token, callOf('GET', '/v1/status')), 401, 'token_revoked');
      assert.ok(!subject.log().includes(token));
    },
  },
  {
    name: 'a proof is of one request, now, and is used once',
    run: async ({ home, call }) => {
      const wanted = callOf('POST', '/v1/plans', { order: { action: 'guest.start', target: 'gaming' } });
      const send = async (change: object, sent = wanted) =>
        call({ ...sent, headers: { authorization: await proofOf(home.id, home.operator, wanted, change) } });
      const nonce = { nonce: encodeBase64url(crypto.getRandomValues(new Uint8Array(16))) };
      assert.equal((await send(nonce)).status, 200);
      refusedAs(await send(nonce), 401, 'proof_replayed');
      refusedAs(await send({ time: Date.now() - 60_000 }), 401, 'proof_stale');
      refusedAs(await send({ home: `h_${'0'.repeat(26)}` }), 401, 'proof_invalid');
      refusedAs(await send({ url: '/v1/plans?x=1' }), 401, 'proof_invalid');
      refusedAs(await send({}, { ...wanted, body: '{}' }), 401, 'proof_invalid');
    },
  },
  {
    name: 'a body is read strictly, under its caps',
    run: async ({ asPhone, phone, call }) => {
      const url = '/v1/plans';
      const raw = async (body: string, type = 'application/json') =>
        call({
          method: 'POST',
          url,
          body,
          headers: { authorization: `Bearer ${await phone()}`, 'content-type': type },
        });
      const order = '{"action":"guest.start","target":"gaming"}';
      assert.equal((await raw(`{"order":${order}}`)).status, 200);
      refusedAs(await raw(`{"order":${order}}`, 'text/plain'), 415, 'content_type');
      refusedAs(await raw(`{"order":${order},"order":${order}}`), 400, 'body_malformed');
      refusedAs(await raw(`{"order":${order}`), 400, 'body_malformed');
      refusedAs(await raw(`{"order":${order},"more":1}`), 400, 'request_invalid');
      refusedAs(await raw(`{"order":"${'x'.repeat(600_000)}"}`), 413, 'body_too_large');
      refusedAs(await asPhone('GET', '/v1/status', { x: 1 }), 400, 'body_unexpected');
    },
  },
  {
    name: 'an address or a query that does not exist is refused',
    run: async ({ call, asPhone }) => {
      refusedAs(await call(callOf('GET', '/v1/nothing')), 404, 'route_unknown');
      const method = await call(callOf('DELETE', '/v1/status'));
      refusedAs(method, 405, 'method_not_allowed');
      assert.equal(method.headers.allow, 'GET');
      refusedAs(await asPhone('GET', '/v1/status?wide=1'), 400, 'request_invalid');
      refusedAs(await asPhone('GET', '/v1/commands?limit=1&limit=2'), 400, 'request_invalid');
      refusedAs(await asPhone('GET', '/v1/commands?limit=0'), 400, 'request_invalid');
      refusedAs(await call(callOf('GET', `/v1/status?${'x'.repeat(3000)}`)), 414, 'url_too_long');
    },
  },
  {
    name: 'every answer tells browsers to keep their hands off',
    run: async ({ call }) => {
      for (const url of ['/healthz', '/v1/nothing', '/docs']) {
        const { headers } = await call(callOf('GET', url));
        assert.equal(headers['x-content-type-options'], 'nosniff');
        assert.equal(headers['cache-control'], 'no-store');
        assert.match(String(headers['content-security-policy']), /^default-src 'none'/);
      }
    },
  },
  {
    name: 'the API describes itself: OpenAPI, reference, errors, metrics',
    run: async ({ call, asPhone }) => {
      const document = (await call(callOf('GET', '/v1/openapi.json'))).json();
      assert.equal(document.openapi, '3.1.0');
      const paths = Object.keys(document.paths as object);
      for (const path of ['/v1/guests/{guest}/start', '/v1/relay/poll', '/v1/setup', '/v1/events']) {
        assert.ok(paths.includes(path), path);
      }
      for (const url of ['/docs', '/docs/errors']) {
        const page = await call(callOf('GET', url));
        assert.equal(page.status, 200);
        assert.match(page.text, /^<!doctype html>/i);
        assert.match(String(page.headers['content-security-policy']), /style-src 'sha256-/);
      }
      assert.match((await asPhone('GET', '/metrics')).text, /^writ_trust_version 1$/m);
      assert.equal((await call(callOf('GET', '/metrics'))).status, 401);
    },
  },
];

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import { apiCodes } from '../../../schema/api/api-codes.ts';
import { problemSchema } from '../../../schema/api/problem.ts';
import { relayCodes } from '../../../schema/api/relay-codes.ts';
import { codeSchema } from '../../../schema/wire/receipt.ts';
import { refused } from '../../../src/domain/errors.ts';
import { prefersText } from '../../../src/http/accept.ts';
import { type StoreReason, storeError } from '../../../src/store/port.ts';
import { makeCommand } from '../../support/fake-control.ts';
import { codeOf, makeTestApp } from '../../support/http-app.ts';

const asText = { accept: 'text/plain' };

test('threat 7: a page that anyone may ask for comes in pieces, of which no more is kept for each than was read', async () => {
  const app = await makeTestApp();
  const answer = await app.request('/v1/openapi.json');
  const chunks = [];
  for await (const chunk of answer.body!) chunks.push(chunk.length);
  assert.ok(chunks.length > 4 && Math.max(...chunks) <= 16 * 1024, chunks.join());
  assert.equal(
    Number(answer.headers.get('content-length')),
    chunks.reduce((sum, length) => sum + length, 0),
  );
});

describe('answers to orders', () => {
  test('202 and the command at once, or the outcome with 200 if it comes within wait', async () => {
    const app = await makeTestApp();
    const token = await app.token(['guest.start@gaming']);
    const at = await app.asToken(token, '/v1/guests/gaming/start', { method: 'POST' });
    assert.equal(at.status, 202);
    const command = (await at.json()) as { id: string; state: string };
    assert.equal(command.state, 'running');
    assert.equal(at.headers.get('location'), `/v1/commands/${command.id}`);

    const waits: number[] = [];
    app.fake.override('orders', {
      wait: async (id, ms) => {
        waits.push(ms);
        return { ...makeCommand({ action: 'guest.start', target: 'gaming', params: {} }, 'failed'), id };
      },
    });
    const outcome = await app.asToken(token, '/v1/guests/gaming/start?wait=50', { method: 'POST' });
    assert.equal(outcome.status, 200, 'it ended, badly: that is an answer');
    assert.deepEqual(waits, [50_000]);
  });

  test('text/plain gives one sentence: 200 when it ended, 202 while it runs, the status of a refusal', async () => {
    const app = await makeTestApp();
    const token = await app.token(['host.wake@pve2']);
    const wake = (query = '') =>
      app.asToken(token, `/v1/hosts/pve2/wake${query}`, { method: 'POST', headers: asText });
    const running = await wake();
    assert.equal(running.status, 202);
    assert.equal(await running.text(), 'The tower is being woken.\n');
    app.fake.override('orders', {
      wait: async () => makeCommand({ action: 'host.wake', target: 'pve2', params: {} }, 'succeeded'),
    });
    const done = await wake('?wait=10');
    assert.equal(done.status, 200);
    assert.equal(done.headers.get('content-type'), 'text/plain; charset=utf-8');
    assert.equal(await done.text(), 'The tower is awake; it took 41 s.\n');

    app.fake.override('orders', {
      order: async () => refused('locked', 'anna is shutting the tower down.', { heldBy: 'cmd_1' }),
    });
    const locked = await wake();
    assert.equal(locked.status, 409);
    assert.equal(await locked.text(), 'anna is shutting the tower down.\n');
    const stranger = await app.request('/v1/hosts/pve2/wake', { method: 'POST', headers: asText });
    assert.equal(stranger.status, 401);
    assert.match(await stranger.text(), /^[A-Z].*\.\n$/);
  });

  test('what is so already is no error to somebody who listens, and one to a program', async () => {
    const app = await makeTestApp();
    app.fake.override('orders', {
      order: async () => refused('host_already_off', 'The tower is off already.'),
    });
    const token = await app.token(['host.shutdown@pve2']);
    const spoken = await app.asToken(token, '/v1/hosts/pve2/sleep', { method: 'POST', headers: asText });
    assert.equal(spoken.status, 200);
    assert.equal(await spoken.text(), 'The tower is off already.\n');
    assert.equal((await app.asToken(token, '/v1/hosts/pve2/sleep', { method: 'POST' })).status, 409);
  });

  test('a command that runs is told with 202 to a listener', async () => {
    const app = await makeTestApp();
    const token = await app.token(['status']);
    const command = makeCommand({ runbook: 'evening' });
    app.fake.commands.set(command.id, command);
    const spoken = await app.asToken(token, `/v1/commands/${command.id}`, { headers: asText });
    assert.equal(spoken.status, 202);
    assert.equal((await app.asToken(token, `/v1/commands/${command.id}`)).status, 200);
  });

  test('needs_operator names the command line, a lock names its holder', async () => {
    const app = await makeTestApp();
    const token = await app.token(['guest.stop@devtop']);
    app.fake.override('orders', {
      order: async () =>
        refused('needs_operator', 'The owner must order that.', { commandLine: 'writ stop devtop' }),
    });
    const response = await app.asToken(token, '/v1/guests/devtop/stop', { method: 'POST' });
    assert.equal(response.status, 403);
    assert.equal(response.headers.get('content-type'), 'application/problem+json');
    const problem = v.parse(problemSchema, await response.json());
    assert.deepEqual([problem.code, problem.command_line], ['needs_operator', 'writ stop devtop']);
  });

  test('Accept is weighed as RFC 9110 has it', () => {
    const cases: readonly [string | null, boolean][] = [
      [null, false],
      ['*/*', false],
      ['application/json', false],
      ['text/plain', true],
      ['text/*', true],
      ['text/plain, */*;q=0.8', true],
      ['text/html, application/json', false],
      ['application/json, text/plain', false],
      ['application/json;q=0.5, text/plain', true],
      ['text/plain;q=0.1, application/json', false],
      ['text/plain;q=0', false],
      ['TEXT/PLAIN', true],
      ['text/plain;q=x', false],
    ];
    for (const [accept, expected] of cases) assert.equal(prefersText(accept), expected, String(accept));
  });
});

describe('faults', () => {
  test('each failure of the store has a defined answer, and its log line has no value in it', async () => {
    const expected: Record<StoreReason, [number, string]> = {
      constraint: [500, 'internal'],
      busy: [503, 'store_busy'],
      in_use: [503, 'store_unavailable'],
      full: [507, 'store_full'],
      readonly: [503, 'store_readonly'],
      timeout: [503, 'store_timeout'],
      unavailable: [503, 'store_unavailable'],
      corrupt: [503, 'store_unavailable'],
    };
    for (const [reason, [status, code]] of Object.entries(expected)) {
      const app = await makeTestApp();
      app.fake.override('orders', {
        order: async () => {
          throw storeError(reason as StoreReason, 'words of SQLite');
        },
      });
      const token = await app.token(['guest.start@gaming']);
      const response = await app.asToken(token, '/v1/guests/gaming/start', { method: 'POST' });
      assert.equal(response.status, status, reason);
      assert.equal(await codeOf(response), code, reason);
    }
  });

  test('a bug is told by an id that the log explains, without what it was about', async () => {
    const app = await makeTestApp();
    app.fake.override('house', {
      status: async () => {
        throw new TypeError('secret eyJhbGciOiJFZDI1NTE5Iiwib.AAAAAAAAAAAAAAAAAAAA.BBBBBBBBBBBB');
      },
    });
    const response = await app.asToken(await app.token(['status']), '/v1/status');
    assert.equal(response.status, 500);
    const body = await response.text();
    assert.ok(body.includes('fault-1') && !body.includes('secret') && !body.includes('TypeError'), body);
    const line = app.logs.find(({ event }) => event === 'fault');
    assert.equal(line?.fields.fault, 'fault-1');
    assert.ok(!JSON.stringify(line).includes('eyJ'));
  });

  test('an instance that nobody has claimed says so to whoever has credentials', async () => {
    const app = await makeTestApp({ claimed: false });
    const response = await app.asKey(app.home.operator, '/v1/status');
    assert.deepEqual([response.status, await codeOf(response)], [409, 'not_set_up']);
    assert.equal((await app.request('/v1/status')).status, 401);
  });

  test('healthz says only whether it works', async () => {
    const app = await makeTestApp();
    const good = await app.request('/healthz');
    assert.deepEqual([good.status, await good.text()], [200, 'ok\n']);
    app.fake.override('upkeep', {
      healthy: async () => {
        throw new Error('the database is gone');
      },
    });
    const bad = await app.request('/healthz');
    assert.deepEqual([bad.status, await bad.text()], [503, 'not ok\n']);
  });

  test('every code has the form of one', () => {
    for (const code of [...Object.keys(apiCodes), ...Object.keys(relayCodes)])
      assert.ok(v.is(codeSchema, code), code);
  });
});

describe('headers', () => {
  test('every answer is not stored, not sniffed, not framed, and runs nothing', async () => {
    const app = await makeTestApp();
    const token = await app.token(['status']);
    for (const response of [
      await app.asToken(token, '/v1/status'),
      await app.request('/v1/status'),
      await app.request('/nothing'),
      await app.request('/docs'),
      await app.request('/healthz'),
    ]) {
      assert.equal(response.headers.get('cache-control'), 'no-store');
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
      assert.equal(response.headers.get('referrer-policy'), 'no-referrer');
      const policy = response.headers.get('content-security-policy')!;
      assert.ok(policy.startsWith("default-src 'none'"), policy);
      assert.ok(
        policy.includes("frame-ancestors 'none'") &&
          !policy.includes('unsafe') &&
          !policy.includes('script-src'),
      );
      assert.equal(response.headers.get('access-control-allow-origin'), null);
    }
  });

  test('the pages need nothing from elsewhere, and their style is the one that is allowed', async () => {
    const app = await makeTestApp();
    for (const url of ['/docs', '/docs/errors']) {
      const response = await app.request(url);
      const html = await response.text();
      assert.doesNotMatch(html, /<(script|link|img|iframe)\b|src=|https?:\/\/|\son[a-z]+=|style="/);
      const style = html.match(/<style>(.*?)<\/style>/s)![1]!;
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style)));
      const hash = Buffer.from(digest).toString('base64');
      assert.ok(response.headers.get('content-security-policy')!.includes(`'sha256-${hash}'`));
      assert.match(html, /<html lang="en">/);
      assert.match(html, /name="viewport"/);
      assert.match(html, /prefers-color-scheme:dark/);
    }
    const docs = await (await app.request('/docs')).text();
    assert.ok(docs.includes('/v1/guests/{guest}/start') && docs.includes('timeout_s'));
    const errors = await (await app.request('/docs/errors')).text();
    for (const code of Object.keys(apiCodes)) assert.ok(errors.includes(`id="${code}"`), code);
  });

  test('threat 20: tokens, proofs, codes and addresses never reach the log', async () => {
    const app = await makeTestApp({ limits: { failureBurst: 1_000 } });
    const canary = 'canarycanarycanarycanarycanarycanarycanary0';
    const token = await app.token(['status', 'guest.start@gaming', 'guest.shutdown@gaming']);
    const proof = await app.proof(app.home.operator, { method: 'GET', url: '/v1/tokens' });
    await app.asToken(token, '/v1/status');
    await app.asToken(`${token}x`, '/v1/status');
    await app.asToken(canary, '/v1/status');
    await app.request('/v1/tokens', { headers: { authorization: proof } });
    await app.request('/v1/tokens', { headers: { authorization: proof } });
    await app.request(`/v1/status?token=${token}`);
    await app.request(`/v1/${canary}?q=${canary}`, {
      headers: { 'user-agent': canary, referer: canary, cookie: canary },
    });
    await app.request(`/v1/guests/${canary}/start`, { method: 'POST' });
    await app.asToken(token, '/v1/guests/gaming/shutdown', { body: { [canary]: canary } });
    await app.asToken(token, '/v1/guests/gaming/shutdown', { rawBody: `{"${canary}":` });
    await app.asToken(token, '/v1/guests/gaming/start', {
      method: 'POST',
      headers: { 'idempotency-key': canary, 'last-event-id': canary },
    });
    await app.request('/v1/status', { method: 'PATCH', headers: { [canary]: canary } });
    await app.request('/healthz', { method: canary.slice(0, 12) }).catch(() => null);
    app.fake.override('house', {
      status: async () => {
        throw new Error(`it fell over ${token} ${canary} writ-enrol.${canary} writ-setup.abc`);
      },
    });
    await app.asToken(await app.token(['status']), '/v1/status');
    const output = JSON.stringify(app.logs);
    assert.ok(app.logs.length > 12);
    for (const secret of [
      token,
      canary,
      'canarycanary',
      proof.slice(11),
      token.split('.')[1]!,
      token.split('.')[2]!,
      'writ-setup.abc',
    ]) {
      assert.ok(!output.includes(secret), secret.slice(0, 20));
    }
    const lines = app.logs.filter(({ event }) => event === 'request');
    for (const { fields } of lines) {
      assert.deepEqual(Object.keys(fields), ['method', 'route', 'status', 'ms', 'principal', 'source']);
    }
    assert.ok(lines.some(({ fields }) => fields.route === '/v1/guests/{guest}/start'));
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { maxBodyBytes } from '../../../schema/wire/limits.ts';
import { codeOf, makeTestApp, type TestApp } from '../../support/http-app.ts';

const until = async (what: () => boolean): Promise<void> => {
  const endsAt = Date.now() + 5_000;
  while (!what()) {
    if (Date.now() > endsAt) throw new Error('it did not come about within 5 s');
    await new Promise((resolve) => setImmediate(resolve));
  }
};

/** A token's caller that orders; the body is what the test is about. */
async function order(
  app: TestApp,
  rawBody: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
) {
  const token = await app.token(['guest.shutdown@gaming']);
  return app.asToken(token, '/v1/guests/gaming/shutdown', { method: 'POST', rawBody, headers });
}

describe('bodies', () => {
  test('threat 7: an endless body is refused at the cap, and no more of it is read', async () => {
    const app = await makeTestApp();
    let given = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        given += 64 * 1024;
        controller.enqueue(new Uint8Array(64 * 1024).fill(0x20));
      },
      cancel() {
        cancelled = true;
      },
    });
    const response = await order(app, endless);
    assert.equal(response.status, 413);
    assert.equal(await codeOf(response), 'body_too_large');
    assert.ok(cancelled);
    assert.ok(given <= maxBodyBytes + 3 * 64 * 1024, `${given} bytes were taken`);
    assert.deepEqual(app.fake.calls, []);
  });

  test('threat 7: a body that drips ends at its deadline', async () => {
    const app = await makeTestApp({ limits: { bodyDeadlineMs: 2_000 } });
    let cancelled = false;
    let sent = 0;
    const dripping = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1;
        // One byte a second; after the first it hangs.
        if (sent === 1) controller.enqueue(new Uint8Array([0x7b]));
        else return new Promise(() => {});
      },
      cancel() {
        cancelled = true;
      },
    });
    const answering = order(app, dripping);
    await until(() => sent >= 2 && app.timers.waiting === 1);
    app.timers.pass(1_999);
    app.timers.pass(1);
    const response = await answering;
    assert.equal(response.status, 408);
    assert.equal(await codeOf(response), 'body_too_slow');
    assert.ok(cancelled);
    assert.equal(app.timers.waiting, 0);
  });

  test('threat 7: deep JSON is refused before it grows the stack', async () => {
    const app = await makeTestApp();
    const response = await order(app, '['.repeat(100_000));
    assert.equal(response.status, 400);
    assert.equal(await codeOf(response), 'body_malformed');
  });

  test('threat 7: a stranger’s body is not read at all', async () => {
    const app = await makeTestApp();
    let pulled = 0;
    const lazy = () =>
      new ReadableStream<Uint8Array>(
        {
          pull() {
            pulled += 1;
          },
        },
        { highWaterMark: 0 },
      );
    for (const url of ['/v1/tokens', '/v1/guests/gaming/start', '/v1/relay/poll', '/v1/nothing']) {
      const response = await app.request(url, { method: 'POST', rawBody: lazy() });
      assert.equal(response.status, url === '/v1/nothing' ? 404 : 401, url);
    }
    const token = await app.token(['status']);
    const response = await app.asToken(token, '/v1/tokens', { method: 'POST', rawBody: lazy() });
    assert.equal(response.status, 403, 'nor is that of a caller who may never use the route');
    assert.equal(pulled, 0);
  });

  test('threat 18: a body at the limit is read, one byte more is not', async () => {
    const app = await makeTestApp();
    const text = '{"timeout_s":60}';
    const padded = (bytes: number) => text + ' '.repeat(bytes - text.length);
    assert.equal((await order(app, padded(maxBodyBytes))).status, 202);
    assert.equal((await order(app, padded(maxBodyBytes + 1))).status, 413);
  });

  test('threat 18: duplicate keys, wrong types and unknown members never reach the control plane', async () => {
    const app = await makeTestApp();
    const cases: readonly [string, number, string][] = [
      ['{"timeout_s":60,"timeout_s":61}', 400, 'body_malformed'],
      ['{"timeout_s":60,"timeout\\u005fs":61}', 400, 'body_malformed'],
      ['{"timeout_s":"60"}', 400, 'request_invalid'],
      ['{"timeout_s":60.5}', 400, 'request_invalid'],
      ['{"timeout_s":null}', 400, 'request_invalid'],
      ['{"timeout_s":[60]}', 400, 'request_invalid'],
      ['{"timeout_s":9}', 400, 'request_invalid'],
      ['{"timeout_s":601}', 400, 'request_invalid'],
      ['{"timeout_s":1e999}', 400, 'body_malformed'],
      ['{"force":true}', 400, 'request_invalid'],
      ['{"timeout_s":60,"__proto__":{"force":true}}', 400, 'body_malformed'],
      ['{"timeout_s":60,"constructor":1}', 400, 'body_malformed'],
      ['{"target":"devtop"}', 400, 'request_invalid'],
      ['[]', 400, 'request_invalid'],
      ['null', 400, 'request_invalid'],
      ['"x"', 400, 'request_invalid'],
      ['{', 400, 'body_malformed'],
      ['{}{}', 400, 'body_malformed'],
      ['{} trailing', 400, 'body_malformed'],
      ["{'timeout_s':60}", 400, 'body_malformed'],
      ['{"timeout_s":60,}', 400, 'body_malformed'],
      ['// {}\n{}', 400, 'body_malformed'],
      ['\ufeff{}', 400, 'body_malformed'],
      ['timeout_s=60', 400, 'body_malformed'],
      ['{"timeout_s":"\\ud800"}', 400, 'body_malformed'],
    ];
    for (const [text, status, code] of cases) {
      const response = await order(app, text);
      assert.equal(response.status, status, text);
      assert.equal(await codeOf(response), code, text);
    }
    const latin = await order(app, new Uint8Array([0x7b, 0x22, 0xe9, 0x22, 0x3a, 0x31, 0x7d]));
    assert.equal(await codeOf(latin), 'body_malformed');
    assert.deepEqual(app.fake.calls, []);
    assert.equal((await order(app, '{"timeout_s":60}')).status, 202);
    assert.equal(app.fake.calls.length, 1);
  });

  test('threat 18: only application/json in UTF-8, as it is, is read', async () => {
    const app = await makeTestApp();
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/json; charset=utf-16',
      'application/json; charset=latin1',
      'application/json, text/plain',
      'application/json; charset=utf-8; charset=utf-16',
      'application/jsonp',
      'application/json+x',
      '',
    ]) {
      const response = await order(app, '{}', { 'content-type': type });
      assert.equal(response.status, 415, type);
    }
    for (const type of [
      'application/json',
      'Application/JSON',
      'application/json; charset=utf-8',
      'application/json;charset=UTF-8',
    ]) {
      assert.equal((await order(app, '{}', { 'content-type': type })).status, 202, type);
    }
    assert.equal((await order(app, '{}', { 'content-encoding': 'gzip' })).status, 415);
  });

  test('an action’s body may be absent; where none is taken, one is refused', async () => {
    const app = await makeTestApp();
    const token = await app.token(['guest.start@gaming']);
    assert.equal((await app.asToken(token, '/v1/guests/gaming/start', { method: 'POST' })).status, 202);
    assert.equal((await app.asToken(token, '/v1/plans', { method: 'POST' })).status, 415);
    const removing = await app.asKey(app.home.operator, '/v1/tokens/tok_01ARZ3NDEKTSV4RRFFQ69G5FAV', {
      method: 'DELETE',
      rawBody: '{}',
    });
    assert.equal(await codeOf(removing), 'body_unexpected');
  });

  test('threat 16: names with metacharacters are refused by their pattern, in path, query and body', async () => {
    const app = await makeTestApp({ limits: { tokenBurst: 10_000, ownBurst: 10_000 } });
    const token = await app.token(['guest.start@gaming', 'status']);
    const nasty = [
      '$(reboot)',
      '`id`',
      ';reboot',
      '|cat',
      '&&id',
      '../../etc/passwd',
      "';--",
      '"',
      '\n',
      '\0',
      '*',
      '~',
      '-rf',
      'Ä',
      ' gaming',
      'gaming ',
      'GAMING',
      'a'.repeat(32),
      '{{7*7}}',
      '%00',
      '0',
    ];
    for (const name of nasty) {
      for (const path of [`/v1/guests/${encodeURIComponent(name)}/start`, `/v1/guests/${name}/start`]) {
        const url = URL.canParse(`https://writ${path}`) ? path : '/v1/guests/-/start';
        const response = await app.asToken(token, url, { method: 'POST' });
        assert.ok([400, 404].includes(response.status), `${JSON.stringify(name)}: ${response.status}`);
      }
      const planned = await app.asKey(app.home.operator, '/v1/plans', {
        body: { order: { action: 'guest.start', target: name, params: {} } },
      });
      assert.equal(planned.status, 400, `in a body: ${JSON.stringify(name)}`);
      const action = await app.asKey(app.home.operator, '/v1/plans', {
        body: { order: { action: `guest.${name}`, target: 'gaming', params: {} } },
      });
      // Letters and dashes have the form of a verb; whether there is one, the registry says.
      if (!/^[a-z-]+$/.test(name)) assert.equal(action.status, 400, `as an action: ${JSON.stringify(name)}`);
      const query = await app.asToken(token, `/v1/commands?before=${encodeURIComponent(name)}`);
      assert.equal(query.status, 400, `in a query: ${JSON.stringify(name)}`);
    }
    assert.deepEqual(
      app.fake.calls.map(({ args }) => (args[1] as { action: string }).action),
      ['guest.-rf', `guest.${'a'.repeat(32)}`],
    );
  });

  test('a query is as strict as a body', async () => {
    const app = await makeTestApp();
    const token = await app.token(['status']);
    for (const query of [
      'wait=51',
      'wait=-1',
      'wait=1.5',
      'wait=01',
      'wait=1e1',
      'wait=',
      'wait=1&wait=1',
      'await=1',
      'wait=%31%',
      '__proto__=1',
      'wait[]=1',
    ]) {
      const response = await app.asToken(token, `/v1/commands/cmd_01ARZ3NDEKTSV4RRFFQ69G5FAV?${query}`);
      assert.equal(response.status, 400, query);
    }
    const good = await app.asToken(token, '/v1/commands/cmd_01ARZ3NDEKTSV4RRFFQ69G5FAV?wait=50');
    assert.equal(await codeOf(good), 'command_unknown');
    assert.equal((await app.asToken(token, '/v1/status?x=1')).status, 400);
  });

  test('an Idempotency-Key is bound to caller, very path and body', async () => {
    const app = await makeTestApp();
    const token = await app.token(['guest.shutdown@gaming', 'guest.shutdown@devtop']);
    const send = (guest: string, key: string, rawBody = '{}') =>
      app.asToken(token, `/v1/guests/${guest}/shutdown?wait=0`, {
        rawBody,
        headers: { 'idempotency-key': key },
      });
    for (const key of ['short', 'x'.repeat(129), 'has a space', 'übergrößen']) {
      const response = await send('gaming', key).catch(() => null);
      if (response !== null) assert.equal(await codeOf(response), 'idempotency_key_invalid', key);
    }
    await send('gaming', 'a-good-key');
    await send('devtop', 'a-good-key', '{"timeout_s":60}');
    const keys = app.fake.calls.map(
      ({ args }) => (args[2] as { idempotency: { key: string; route: string; body: string } }).idempotency,
    );
    assert.deepEqual(
      keys.map(({ key, route }) => [key, route]),
      [
        ['a-good-key', 'POST /v1/guests/gaming/shutdown'],
        ['a-good-key', 'POST /v1/guests/devtop/shutdown'],
      ],
    );
    assert.notEqual(keys[0]!.body, keys[1]!.body);
  });
});

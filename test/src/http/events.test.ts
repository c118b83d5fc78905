import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ControlEvent } from '../../../src/control/control.ts';
import { codeOf, makeTestApp } from '../../support/http-app.ts';

const event = (seq: number): ControlEvent => ({
  seq,
  entry: { seq, time: 1, event: 'command.accepted', principal: 'token:phone', facts: { command: 'cmd_1' } },
  command: null,
});

/** Reads a stream's text piece by piece; null at its end. */
function reader(response: Response): () => Promise<string | null> {
  const source = response.body!.getReader();
  return async () => {
    const next = await source.read();
    return next.done ? null : new TextDecoder().decode(next.value);
  };
}

describe('the stream of events', () => {
  test('gives each event with its place, and comments in between', async () => {
    const app = await makeTestApp();
    const leaving = new AbortController();
    const response = await app.asToken(await app.token(['status']), '/v1/events', { signal: leaving.signal });
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    const next = reader(response);
    assert.match((await next())!, /^retry: \d+\n: connected\n\n$/);
    app.fake.emit(event(7));
    assert.equal(await next(), `id: 7\nevent: command.accepted\ndata: ${JSON.stringify(event(7))}\n\n`);
    app.timers.pass(15_000);
    assert.equal(await next(), ': still here\n\n');
    app.timers.pass(15_000);
    assert.equal(await next(), ': still here\n\n');
    leaving.abort();
    assert.equal(await next(), null);
    assert.equal(app.timers.waiting, 0, 'no timer is left behind');
  });

  test('goes on after Last-Event-ID', async () => {
    const app = await makeTestApp();
    const asked: (number | null)[] = [];
    app.fake.override('audit', {
      events: async function* (after) {
        asked.push(after);
        yield event((after ?? 0) + 1);
      },
    });
    const token = await app.token(['status']);
    const response = await app.asToken(token, '/v1/events', { headers: { 'last-event-id': '41' } });
    assert.match(await response.text(), /id: 42\n/);
    await (await app.asToken(token, '/v1/events')).text();
    assert.deepEqual(asked, [41, null]);
    const bad = await app.asToken(token, '/v1/events', { headers: { 'last-event-id': 'last' } });
    assert.equal(await codeOf(bad), 'request_invalid');
  });

  test('threat 25: ends as soon as its token is revoked or expired', async () => {
    const app = await makeTestApp();
    const next = reader(await app.asToken(await app.token(['status']), '/v1/events'));
    await next();
    const [id, view] = [...app.fake.tokens][0]!;
    app.fake.tokens.set(id, { ...view, revoked_at: 1 });
    app.fake.emit(event(1));
    assert.equal(await next(), null, 'the event is not told any more');

    const other = reader(await app.asToken(await app.token(['status']), '/v1/events'));
    await other();
    app.now += 3_600_000;
    app.timers.pass(15_000);
    assert.equal(await other(), null);
  });

  test('threat 25: ends as soon as trust names another operator key', async () => {
    const app = await makeTestApp();
    const next = reader(await app.asKey(app.home.operator, '/v1/events'));
    await next();
    app.fake.emit(event(1));
    assert.match((await next())!, /^id: 1\n/);
    const other = (await makeTestApp()).home;
    app.fake.override('trust', { current: async () => other.trust() });
    app.fake.emit(event(2));
    assert.equal(await next(), null, 'the event is not told any more');
  });

  test('ends when the server closes', async () => {
    const app = await makeTestApp();
    const next = reader(await app.asToken(await app.token(['status']), '/v1/events'));
    await next();
    app.closing.abort();
    assert.equal(await next(), null);
  });

  test('metrics are in Prometheus’ form', async () => {
    const app = await makeTestApp();
    const response = await app.asToken(await app.token(['status']), '/metrics');
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    for (const line of text.trimEnd().split('\n')) {
      assert.match(line, /^(# (HELP|TYPE) writ_[a-z_]+ .+|writ_[a-z_]+(\{[a-z]+="[^"]*"\})? -?[0-9.e+]+)$/);
    }
    assert.match(text, /^writ_commands\{state="succeeded"\} 2$/m);
    assert.match(text, /^writ_steps_queued_oldest_seconds 1\.5$/m);
  });
});

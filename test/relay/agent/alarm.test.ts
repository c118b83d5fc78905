import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Alarm, createAlarm } from '../../../relay/agent/alarm.ts';
import { createAlarmPath } from '../../../relay/agent/alarm-path.ts';
import { createLog, type LogEntry } from '../../../relay/log.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import { type Inbox, startInbox } from '../../support/inbox.ts';
import { type FastTime, fastTime } from '../../support/relay.ts';
import { makeTestHome } from '../../support/relay-home.ts';

let inbox: Inbox;
let time: FastTime;
let alarm: Alarm;
let entries: LogEntry[];
let document: TrustDocument;

async function open(path: TrustDocument['alarm']): Promise<void> {
  const home = await makeTestHome({ origins: [{ url: 'https://192.0.2.1:8420' }] });
  document = { ...home.trust().document, alarm: path };
  entries = [];
  const log = createLog({ now: Date.now, write: (entry) => entries.push(entry) });
  alarm = createAlarm({
    relay: 'pve1',
    path: createAlarmPath({ home: home.id, relay: 'pve1', trust: () => document, log }),
    clock: time.clock,
    random: () => 0.5,
    log,
    repeatMs: 60_000,
  });
}

beforeEach(async () => {
  inbox = await startInbox();
  time = fastTime(200);
});
afterEach(async () => {
  alarm.close();
  await inbox.close();
});

describe('the alarm', () => {
  it('posts text to an ntfy topic', async () => {
    await open({ ntfy: `${inbox.url}/writ` });
    alarm.raise('no_heartbeat', 'pve1 hears nothing.');
    await alarm.settled();
    assert.equal(inbox.messages.length, 1);
    assert.partialDeepStrictEqual(inbox.messages[0], { path: 'POST /writ', body: 'pve1 hears nothing.' });
    assert.equal(inbox.messages[0]?.headers.priority, 'high');
  });

  it('posts JSON to a webhook', async () => {
    await open({ webhook: `${inbox.url}/hook?a=1` });
    alarm.raise('audit_forked', 'Two pasts.');
    alarm.clear('audit_forked', 'One past.');
    await alarm.settled();
    const bodies = inbox.messages.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
    assert.partialDeepStrictEqual(bodies.at(-1), { relay: 'pve1', code: 'audit_forked', clear: true });
    assert.deepEqual(Object.keys(bodies.at(-1) ?? {}).sort(), [
      'clear',
      'code',
      'home',
      'relay',
      'text',
      'time',
    ]);
  });

  it('is told once, again after a while, and cleared once', async () => {
    await open({ ntfy: `${inbox.url}/writ` });
    alarm.raise('no_heartbeat', 'first');
    alarm.raise('no_heartbeat', 'too soon');
    await alarm.settled();
    const began = time.clock.uptimeMs();
    while (time.clock.uptimeMs() - began < 61_000) await time.clock.sleep(5_000);
    alarm.raise('no_heartbeat', 'again');
    await alarm.settled();
    alarm.clear('no_heartbeat', 'over');
    alarm.clear('no_heartbeat', 'over, said twice');
    alarm.clear('audit_forked', 'was never raised');
    await alarm.settled();
    assert.deepEqual(
      inbox.messages.map(({ body }) => body),
      ['first', 'again', 'over'],
    );
  });

  it('tries until its path works, and then tells the newest of each matter alone', async () => {
    await open({ ntfy: `${inbox.url}/writ` });
    inbox.status = 500;
    alarm.raise('no_heartbeat', 'lost');
    await inbox.until(() => inbox.messages.length >= 3);
    alarm.clear('no_heartbeat', 'over');
    alarm.raise('trust_refused', 'another matter');
    inbox.status = 200;
    const before = inbox.messages.length;
    await alarm.settled();
    const delivered = inbox.messages.slice(before).map(({ body }) => body);
    assert.deepEqual(new Set(delivered.slice(-2)), new Set(['over', 'another matter']));
    assert.ok(delivered.filter((body) => body === 'lost').length <= 1);
  });

  it('without a path says so in the log, and does not try for ever', async () => {
    await open(null);
    alarm.raise('no_heartbeat', 'nobody to tell');
    await alarm.settled();
    assert.deepEqual(
      entries.map(({ event }) => event),
      ['alarm', 'alarm_without_path'],
    );
  });

  it('remarks when its path leads to the controller itself', async () => {
    await open({ ntfy: `${inbox.url}/writ` });
    document = { ...document, origins: [{ url: inbox.url }] };
    alarm.raise('no_heartbeat', 'hm');
    await alarm.settled();
    assert.ok(entries.some(({ event }) => event === 'alarm_behind_controller'));
  });

  it('ends when the relay ends', async () => {
    await open({ ntfy: `${inbox.url}/writ` });
    inbox.status = 500;
    alarm.raise('no_heartbeat', 'lost');
    await inbox.until(() => inbox.messages.length >= 1);
    alarm.close();
    await alarm.settled();
    alarm.raise('audit_forked', 'too late');
    await alarm.settled();
    assert.ok(inbox.messages.every(({ body }) => body === 'lost'));
  });
});

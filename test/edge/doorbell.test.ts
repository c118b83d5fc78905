import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { durableDoorbell } from '../../edge/doorbell.ts';
import { bells } from '../../src/control/deps.ts';

const makeBell = () => {
  const alarms: number[] = [];
  const alarm = { setAlarm: async (atMs: number) => void alarms.push(atMs) };
  return { alarms, bell: durableDoorbell(alarm, () => 1_000_000) };
};

test('who waits for a name is woken by a ring after the ticket, and by no other', async () => {
  const { bell, alarms } = makeBell();
  bell.ring('relay:pve1');
  const ticket = await bell.ticket('relay:pve1');
  assert.equal(await bell.wait(ticket, 0), 'timeout');
  const waiting = bell.wait(ticket, 60_000);
  bell.ring('relay:pve2');
  bell.ring('relay:pve1');
  assert.equal(await waiting, 'rung');
  const leaving = new AbortController();
  const left = bell.wait(await bell.ticket('relay:pve1'), 60_000, leaving.signal);
  leaving.abort();
  assert.equal(await left, 'aborted');
  assert.deepEqual(alarms, []);
});

test('a wait for the timer sets the alarm, and ends by a ring', async () => {
  const { bell, alarms } = makeBell();
  const waiting = bell.wait(await bell.ticket(bells.timer), 5_000);
  await turn();
  assert.deepEqual(alarms, [1_005_000]);
  bell.ring(bells.timer);
  assert.equal(await waiting, 'rung');
});

test('a ring of the timer between ticket and wait is not missed', async () => {
  const { bell } = makeBell();
  const ticket = await bell.ticket(bells.timer);
  bell.ring(bells.timer);
  assert.equal(await bell.wait(ticket, 5_000), 'rung');
});

test('a wait for the timer ends when its signal fires, at once if it fired before', async () => {
  const { bell } = makeBell();
  const leaving = new AbortController();
  const waiting = bell.wait(await bell.ticket(bells.timer), 5_000, leaving.signal);
  await turn();
  leaving.abort();
  assert.equal(await waiting, 'aborted');
  assert.equal(await bell.wait(await bell.ticket(bells.timer), 5_000, leaving.signal), 'aborted');
});

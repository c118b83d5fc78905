import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createQuietLog } from '../../../relay/agent/quiet-log.ts';
import type { LogEntry } from '../../../relay/log.ts';
import { createTestClock, quietLog, startRig } from './fixture.ts';

/** Lets what the clock has woken run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('of what repeats the first are told, then one count a minute, until it ends', async () => {
  const clock = createTestClock();
  const entries: LogEntry[] = [];
  const stop = new AbortController();
  const log = createQuietLog(quietLog(entries), clock, stop.signal);
  const lines = () =>
    entries.splice(0).map(({ level, event, fields }) => [level, event, fields.code, fields.repeated]);

  for (let i = 0; i < 100; i += 1) log.warn('job_dropped', { code: 'job_home' });
  log.warn('job_dropped', { code: 'job_relay' });
  log.info('started', {});
  assert.deepEqual(lines(), [
    ...Array.from({ length: 5 }, () => ['warn', 'job_dropped', 'job_home', undefined]),
    ['warn', 'job_dropped', 'job_relay', undefined],
    ['info', 'started', undefined, undefined],
  ]);
  clock.advance(60_000);
  await settle();
  assert.deepEqual(lines(), [['warn', 'job_dropped', 'job_home', 95]]);
  for (let i = 0; i < 7; i += 1) log.warn('job_dropped', { code: 'job_home' });
  assert.deepEqual(lines(), []);
  clock.advance(60_000);
  await settle();
  assert.deepEqual(lines(), [['warn', 'job_dropped', 'job_home', 7]]);
  clock.advance(60_000);
  await settle();
  log.warn('job_dropped', { code: 'job_home' });
  assert.deepEqual(lines(), [['warn', 'job_dropped', 'job_home', undefined]], 'a fresh start');
  for (let i = 0; i < 6; i += 1) log.warn('job_dropped', { code: 'job_home' });
  lines();
  stop.abort();
  await settle();
  assert.deepEqual(lines(), [['warn', 'job_dropped', 'job_home', 2]], 'nothing is lost at the end');
});

test('threat 14: a flood of jobs that are dropped does not flood the log', async () => {
  const rig = await startRig();
  const before = rig.log.length;
  for (let i = 0; i < 300; i += 1) await rig.executor.offer('nonsense');
  assert.equal(rig.executor.refused().count, 300);
  assert.equal(rig.log.length - before, 5);
  rig.clock.advance(60_000);
  await settle();
  assert.equal(rig.log.length - before, 6);
  assert.equal(rig.log.at(-1)?.fields.repeated, 295);
  await rig.executor.close();
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHeartbeatWatch } from '../../../relay/agent/heartbeat.ts';
import { createTestClock } from './fixture.ts';

test('the limit begins when heartbeats can be heard, not while a relay waits for its admission', async () => {
  const clock = createTestClock();
  const raised: string[] = [];
  const alarm = {
    raise: (code: string) => void raised.push(code),
    clear: () => {},
    raised: () => raised.length > 0,
    settled: async () => {},
    close: () => {},
  };
  const watch = createHeartbeatWatch({ relay: 'pve2', clock, alarm, limitMs: 600_000 });
  clock.advance(3_600_000);
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  await Promise.resolve();
  assert.deepEqual(raised, []);
  clock.advance(600_000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(raised, ['no_heartbeat']);
  stop.abort();
  await running;
});

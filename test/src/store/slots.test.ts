import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError, systemTimers } from '../../../src/store/port.ts';
import { openRemote, type RemoteClient } from '../../../src/store/remote.ts';
import { slots } from '../../../src/store/slots.ts';
import { manualTimers } from '../../support/http-app.ts';

test('only so many are in at once, the others in the order in which they came', async () => {
  const places = slots(2, systemTimers);
  const [first, second] = await Promise.all([places.enter(1_000), places.enter(1_000)]);
  const order: string[] = [];
  const third = places.enter(1_000).then((leave) => {
    order.push('third');
    return leave;
  });
  const fourth = places.enter(1_000).then((leave) => {
    order.push('fourth');
    return leave;
  });
  first();
  first();
  (await third)();
  await fourth;
  assert.deepEqual(order, ['third', 'fourth']);
  second();
});

test('who gets no turn in time is told that it is busy, and holds no place', async () => {
  const timers = manualTimers();
  const places = slots(1, timers);
  const leave = await places.enter(100);
  const late = places.enter(100);
  timers.pass(100);
  await assert.rejects(late, (error) => isStoreError(error, 'busy'));
  leave();
  (await places.enter(100))();
  assert.equal(timers.waiting, 0);
});

test('a remote store has no more writes under way than it may, and reads pass them', async () => {
  let open = 0;
  let most = 0;
  let reads = 0;
  const ends: (() => void)[] = [];
  const client: RemoteClient = {
    batch: async (_, mode) => {
      if (mode === 'read') {
        reads += 1;
        return [];
      }
      open += 1;
      most = Math.max(most, open);
      await new Promise<void>((resolve) => ends.push(resolve));
      open -= 1;
      return [];
    },
    close: () => undefined,
  };
  const db = openRemote({ client, writers: 3 });
  const writes = Array.from({ length: 10 }, () => db.write([{ sql: 'DELETE FROM item', args: [] }]));
  await db.read({ sql: 'SELECT 1 AS one', args: [] });
  assert.equal(reads, 1);
  while (ends.length > 0) {
    ends.shift()!();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(writes);
  assert.equal(most, 3);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFirstSights } from '../../../relay/agent/first-sights.ts';
import { testDigest } from '../../support/relay-home.ts';
import { createTestClock } from './fixture.ts';

const a = testDigest('a');
const b = testDigest('b');

test('the first sight of a token counts, however often it is met', async () => {
  const clock = createTestClock(1_000_000);
  const sights = createFirstSights({ clock });
  assert.equal(sights.at(a), undefined);
  assert.equal(await sights.note([a]), true);
  clock.advance(5000);
  assert.equal(await sights.note([a, b]), true);
  assert.deepEqual([sights.at(a), sights.at(b)], [1_000_000, 1_005_000]);
});

test('threat 12: nothing is noted while no time source keeps the clock', async () => {
  const clock = createTestClock(1_000_000);
  const sights = createFirstSights({ clock });
  clock.setSynchronised(false);
  assert.equal(await sights.note([a]), false);
  assert.equal(sights.at(a), undefined);
  clock.set(2_000_000);
  clock.setSynchronised(true);
  await sights.note([a]);
  assert.equal(sights.at(a), 2_000_000);
  // What was noted well stays.
  clock.setSynchronised(false);
  assert.equal(await sights.note([a]), false);
  assert.equal(sights.at(a), 2_000_000);
});

test('threat 12: the time is read once it is known to be kept: a clock that is set meanwhile is not believed', async () => {
  let now = 5;
  const clock = {
    now: () => now,
    synchronised: async () => {
      now = 1_000_000;
      return true;
    },
  };
  const sights = createFirstSights({ clock });
  await sights.note([a]);
  assert.equal(sights.at(a), 1_000_000);
});

test('threat 7: a thousand are kept, and the oldest is forgotten first', async () => {
  const clock = createTestClock(1_000_000);
  const sights = createFirstSights({ clock });
  const all = Array.from({ length: 1001 }, (_, at) => `sha256:${String(at).padStart(64, '0')}`);
  await sights.note(all.slice(0, 1000));
  assert.equal(sights.at(all[0]!), 1_000_000);
  // One that is known takes no other's place.
  await sights.note([all[999]!]);
  assert.equal(sights.at(all[0]!), 1_000_000);
  await sights.note([all[1000]!]);
  assert.deepEqual(
    [0, 1, 1000].map((at) => sights.at(all[at]!)),
    [undefined, 1_000_000, 1_000_000],
  );
});

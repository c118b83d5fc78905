import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StartEntry } from '../../../relay/agent/journal-format.ts';
import { createRateLimit, withinLimit } from '../../../relay/agent/limits.ts';

const grant = { action: 'guest.start', on: ['gaming', 'devtop'], limit: '2/1m' };

const start = (changes: Partial<StartEntry> = {}): StartEntry => ({
  k: 'start',
  identity: 'controller',
  action: 'guest.start',
  target: 'gaming',
  lived: 1000,
  window: 60_000,
  ...changes,
});

describe('limits of grants', () => {
  const within = (
    starts: readonly StartEntry[],
    livedMs = 2000,
    of: Parameters<typeof withinLimit>[0] = grant,
  ) => withinLimit(of, 'controller', starts, livedMs);

  test('threat 26: as many steps start as the limit says, on all targets of the grant together', () => {
    assert.equal(within([]), true);
    assert.equal(within([start()]), true);
    assert.equal(within([start(), start()]), false);
    assert.equal(within([start(), start({ target: 'devtop' })]), false);
    assert.equal(within([start(), start(), start()]), false);
  });

  test('what another identity, action or target started is not counted', () => {
    for (const other of [{ identity: 'operator' }, { action: 'guest.stop' }, { target: 'websvcs' }]) {
      assert.equal(within([start(), start(other), start(other)]), true, JSON.stringify(other));
    }
  });

  test('threat 12: a start counts for its window of the life of the host, to the millisecond', () => {
    const two = [start({ lived: 1000 }), start({ lived: 1500 })];
    assert.equal(within(two, 60_999), false);
    assert.equal(within(two, 61_000), true);
  });

  test('a grant without a limit lets any number start', () => {
    const { limit: _, ...unlimited } = grant;
    assert.equal(within(Array(1000).fill(start()), 2000, unlimited), true);
  });
});

describe('limits in memory', () => {
  test('so many in any window, and what was refused does not count', () => {
    const mayNow = createRateLimit(2, 1000);
    assert.deepEqual([0, 400, 500, 999].map(mayNow), [true, true, false, false]);
    assert.equal(mayNow(1000), true, 'the first has left the window');
    assert.equal(mayNow(1399), false);
    assert.equal(mayNow(1400), true);
    assert.equal(createRateLimit(0, 1000)(0), false);
  });
});

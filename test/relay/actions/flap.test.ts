import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Step } from '../../../schema/wire/intent.ts';
import type { Receipt } from '../../../schema/wire/receipt.ts';
import { openBench, type RelayBench } from '../../support/relay-bench.ts';
import { makeTestHome, type TestIntent } from '../../support/relay-home.ts';

let bench: RelayBench;
beforeEach(async () => {
  bench = await openBench();
  bench.home = await makeTestHome({
    origins: [{ url: bench.api.url, spki: bench.api.spki }],
    controllerMay: [
      { action: 'guest.start', on: ['gaming', 'devtop'], limit: '3/1h' },
      { action: 'guest.shutdown', on: ['gaming', 'devtop'], limit: '3/1h' },
    ],
  });
});
afterEach(() => bench.close());

const order = async (step: Partial<Step>): Promise<TestIntent> => {
  const intent = await bench.home.intent([step], { by: bench.home.controller });
  bench.api.offer({ relay: 'pve2', intent });
  return intent;
};
const outcomeOf = async (step: Partial<Step>): Promise<Receipt> => bench.api.outcome(await order(step));

const starts = (): number =>
  bench.tower.simulator.events.filter(({ kind }) => kind === 'guest_started').length;

describe('whoever holds the controller’s key', () => {
  it('threat 26: cannot flap a guest: the relay counts starts, over restarts and boots too', async () => {
    let relay = await bench.start();
    for (let round = 0; round < 3; round += 1) {
      assert.equal((await outcomeOf({ action: 'guest.start' })).state, 'succeeded');
      assert.equal((await outcomeOf({ action: 'guest.shutdown' })).state, 'succeeded');
    }
    const refused = { state: 'refused', code: 'limit_reached' };
    assert.partialDeepStrictEqual(await outcomeOf({ action: 'guest.start' }), refused);
    assert.partialDeepStrictEqual(await outcomeOf({ action: 'guest.start', target: 'devtop' }), refused);
    await relay.stop();
    relay = await bench.start({}, relay.stateDir);
    assert.partialDeepStrictEqual(await outcomeOf({ action: 'guest.start' }), refused);
    await relay.stop();
    // Another boot: what was started in the one before still counts.
    bench.time.boot = 'boot-2';
    await bench.start({}, relay.stateDir);
    assert.partialDeepStrictEqual(await outcomeOf({ action: 'guest.start' }), refused);
    assert.equal(starts(), 3);
    // The operator's grant has no limit, and is not used up by the controller.
    const byOperator = await bench.home.intent([{ action: 'guest.start' }]);
    bench.api.offer({ relay: 'pve2', intent: byOperator });
    assert.equal((await bench.api.outcome(byOperator)).state, 'succeeded');
  });

  it('threat 26: a limit ends with its window, measured by the host’s own life', async () => {
    await bench.start();
    for (let round = 0; round < 3; round += 1) {
      assert.equal((await outcomeOf({ action: 'guest.start' })).state, 'succeeded');
    }
    assert.equal((await outcomeOf({ action: 'guest.start' })).code, 'limit_reached');
    const began = bench.time.clock.uptimeMs();
    bench.time.speed = 20_000;
    await bench.api.until('an hour', () => bench.time.clock.uptimeMs() - began > 3_600_000);
    bench.time.speed = 20;
    assert.equal((await outcomeOf({ action: 'guest.start' })).state, 'succeeded');
  });

  it('threat 26: cannot run two holders of one resource, however it times its orders', async () => {
    await bench.start();
    const { simulator } = bench.tower;
    const both = await Promise.all(
      ['gaming', 'devtop'].map(async (target) =>
        bench.api.outcome(await order({ action: 'guest.start', target })),
      ),
    );
    assert.deepEqual(both.map(({ state }) => state).sort(), ['refused', 'succeeded']);
    assert.equal(both.find(({ state }) => state === 'refused')?.code, 'exclusive_busy');
    assert.equal(starts(), 1);
    assert.deepEqual(
      simulator.events.filter(({ kind }) => kind === 'device_conflict'),
      [],
    );
  });
});

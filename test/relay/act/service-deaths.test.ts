import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { WatchPath } from '../../../relay/drivers/watch-path.ts';
import { ok, refuse } from '../../../schema/result.ts';
import { partBytes, settle, startDesk, succeeded } from './service-fixture.ts';

const forever = new AbortController().signal;

describe('a relay or a helper that dies on the way', () => {
  test('a relay that dies before anything began leaves nothing behind', async (t) => {
    const desk = await startDesk(t);
    const order = await desk.order();
    const dying = new AbortController();
    const word = await desk.apply(order, {
      signal: dying.signal,
      blob: async () => {
        dying.abort();
        return ok(partBytes);
      },
    });
    assert.equal(word, 'aborted');
    assert.equal(await settle(desk, 'pve2', order.digest), 'order_unknown');
    assert.deepEqual(desk.deeds, []);
  });

  test('a relay that dies in the middle stops nothing, and is told the outcome when it comes back', async (t) => {
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const dying = new AbortController();
    let begun = 0;
    const desk = await startDesk(t, {
      prepare: async ({ blob, part }) => {
        await blob(part);
        return ok(async () => {
          begun += 1;
          dying.abort();
          await finished;
          return succeeded;
        });
      },
    });
    const order = await desk.order();
    assert.equal(await desk.apply(order, { signal: dying.signal }), 'aborted');
    const again = desk.apply(order);
    const asked = settle(desk, 'pve2', order.digest);
    assert.equal((await desk.client.look('pve2', forever)).ok, true, 'it can be looked at meanwhile');
    assert.equal(begun, 1);
    finish();
    assert.deepEqual([await asked, await again, begun], ['succeeded', 'succeeded', 1]);
  });

  test('threat 27: who says that the host is cut off, or says nothing any more, has the change put back', async (t) => {
    const desk = await startDesk(t);
    const silent = 'https://writ.example.net does not answer any more';
    const cutOff: WatchPath = async () => async () => refuse('cut_off', silent);
    const order = await desk.order();
    assert.equal(await desk.apply(order, { watchPath: cutOff }), 'cut_off');
    const told = await desk.client.settle('pve2', order.digest, forever);
    assert.ok(told.ok && told.value.state === 'failed');
    assert.equal(told.value.detail, silent, 'the log of this host says which way it was');
    const dying = new AbortController();
    const next = await desk.order({ order: { desk: 2 } });
    const dies: WatchPath = async () => async () => {
      dying.abort();
      return ok(true);
    };
    assert.equal(await desk.apply(next, { watchPath: dies, signal: dying.signal }), 'aborted');
    assert.equal(await settle(desk, 'pve2', next.digest), 'cut_off');
  });

  test('threat 10: a helper that is killed settles before it serves, and does not begin again', async (t) => {
    const desk = await startDesk(t, {
      prepare: async ({ blob, part }) => {
        await blob(part);
        return ok(() => new Promise(() => {}));
      },
    });
    const order = await desk.order();
    const dying = new AbortController();
    const asked = desk.apply(order, { signal: dying.signal });
    while (desk.log.every(({ event }) => event !== 'act_started')) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const next = await desk.again();
    let isCleared = false;
    const recovering = next.service.recover(async () => {
      assert.deepEqual(next.deeds, [], 'what the other one left running is ended first');
      isCleared = true;
    });
    // Whoever asks is greeted at once, and waits.
    assert.equal(await settle(next, 'pve2', order.digest), 'interrupted');
    await recovering;
    assert.ok(isCleared);
    assert.deepEqual(next.deeds, ['settle pve2']);
    assert.equal(await next.apply(order), 'interrupted', 'it is consumed');
    assert.deepEqual(next.deeds, ['settle pve2'], 'and settled once');
    dying.abort();
    await asked;
  });

  test('what could not be settled at the start is tried at the next request, and refuses new orders', async (t) => {
    let reachable = false;
    const desk = await startDesk(t, {
      prepare: async ({ blob, part }) => {
        await blob(part);
        return ok(async () => {
          throw new Error('a fault of the program');
        });
      },
      settle: async () =>
        reachable ? ok({ state: 'failed', code: 'interrupted', back: true }) : refuse('unreachable'),
    });
    const order = await desk.order();
    assert.equal(await desk.apply(order), 'relay_fault');
    const next = await desk.again();
    await next.service.recover(async () => {});
    assert.equal(await next.apply(await next.order()), 'unreachable');
    assert.equal(await settle(next, 'pve2', order.digest), 'unreachable');
    reachable = true;
    assert.equal(await settle(next, 'pve2', order.digest), 'interrupted');
  });
});

test('one order after the other is followed on a target, and several targets at once', async (t) => {
  const ends = new Map<string, () => void>();
  const begun: string[] = [];
  const desk = await startDesk(t, {
    prepare: async ({ blob, part, target }) => {
      await blob(part);
      return ok(async () => {
        begun.push(target);
        await new Promise<void>((resolve) => ends.set(target, resolve));
        return succeeded;
      });
    },
  });
  const both = [desk.apply(await desk.order()), desk.apply(await desk.order())];
  const other = desk.apply(await desk.order({ target: 'files' }));
  while (begun.length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([...begun].sort(), ['files', 'pve2']);
  ends.get('files')!();
  assert.equal(await other, 'succeeded');
  ends.get('pve2')!();
  while (begun.length < 3) await new Promise((resolve) => setImmediate(resolve));
  ends.get('pve2')!();
  assert.deepEqual(await Promise.all(both), ['succeeded', 'succeeded']);
});

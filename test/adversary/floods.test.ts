import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultHome, startRig } from '../relay/agent/fixture.ts';

test('threat 26: flapping is stopped by the limit, counted over restarts, clocks and reboots', async () => {
  const home = await defaultHome();
  await home.amend((document) => ({
    ...document,
    identities: {
      ...document.identities,
      controller: {
        ...document.identities.controller!,
        may: [
          { action: 'guest.start', on: ['gaming', 'devtop'], limit: '3/1h' },
          { action: 'guest.shutdown', on: ['gaming', 'devtop'], limit: '3/1h' },
        ],
      } as never,
    },
  }));
  let rig = await startRig({ home });
  const { clock } = rig;
  const flap = async (target = 'gaming'): Promise<string[]> => {
    const codes: string[] = [];
    for (const action of ['guest.start', 'guest.shutdown']) {
      const intent = await home.intent([{ action, target }], { by: home.controller, issuedAt: clock.now() });
      const outcome = await rig.order(intent);
      await rig.executor.idle();
      codes.push(outcome.kind === 'refused' ? outcome.code : outcome.kind);
    }
    return codes;
  };
  const both = (code: string): string[] => [code, code];
  for (const target of ['gaming', 'devtop', 'gaming']) assert.deepEqual(await flap(target), both('started'));
  assert.deepEqual(await flap(), both('limit_reached'));
  assert.deepEqual(await flap('devtop'), both('limit_reached'), 'a grant counts all its targets together');
  rig = await rig.restart();
  assert.deepEqual(await flap(), both('limit_reached'), 'after a restart');
  clock.set(clock.now() + 3 * 60 * 60_000);
  assert.deepEqual(await flap(), both('limit_reached'), 'with the clock set ahead');
  clock.advance(30 * 60_000);
  await rig.state.journal.append([]);
  clock.reboot();
  rig = await rig.restart({ cut: true });
  clock.advance(29 * 60_000);
  assert.deepEqual(await flap(), both('limit_reached'), 'in another boot, before the window is over');
  clock.advance(2 * 60_000);
  assert.deepEqual(await flap(), both('started'), 'after the window');

  // The owner's own orders have no limit, and use up none.
  for (let i = 0; i < 10; i += 1) {
    assert.equal((await rig.order(await home.intent([{}], { issuedAt: clock.now() }))).kind, 'started');
    await rig.executor.idle();
  }
  assert.deepEqual(await flap(), both('started'));
  await rig.executor.close();
});

test('starts are bounded under a controller that confirms no receipt, and go on once it does', async () => {
  let rig = await startRig({ maxUnconfirmed: 6 });
  const order = async (): Promise<string> => {
    const intent = await rig.home.intent([{}], { issuedAt: rig.clock.now() });
    const outcome = await rig.order(intent);
    await rig.executor.idle();
    return outcome.kind === 'dropped' ? outcome.code : outcome.kind;
  };
  for (let i = 0; i < 3; i += 1) assert.equal(await order(), 'started');
  for (let i = 0; i < 10; i += 1) assert.equal(await order(), 'receipts_unconfirmed');
  assert.equal(rig.deeds.length, 3);
  assert.equal(rig.executor.full(), true);
  rig = await rig.restart();
  assert.equal(await order(), 'receipts_unconfirmed', 'after a restart');
  rig.executor.confirmReceipts(6);
  assert.equal(rig.executor.full(), false);
  assert.equal(await order(), 'started', 'as soon as they are confirmed');
  rig.executor.confirmReceipts(0);
  assert.equal(await order(), 'started', 'an API that was restored from a backup stops nothing by that');
  await rig.executor.close();
});

test('refusals are bounded: a controller cannot fill the disk with what it may not do', async () => {
  const rig = await startRig();
  const { home, clock } = rig;
  const refusedNow = async (): Promise<string> => {
    const intent = await home.intent([{ action: 'guest.stop' }], {
      by: home.controller,
      issuedAt: clock.now(),
    });
    const outcome = await rig.order(intent);
    return outcome.kind === 'dropped' ? outcome.code : outcome.kind;
  };
  for (let i = 0; i < 1000; i += 1) assert.equal(await refusedNow(), 'refused');
  assert.equal(await refusedNow(), 'too_many_refusals');
  assert.equal(rig.receipts().length, 1000);
  clock.advance(3_600_001);
  assert.equal(await refusedNow(), 'refused');
  await rig.executor.close();
});

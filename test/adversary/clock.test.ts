import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptClock, openState } from '../../relay/agent/state-files.ts';
import { clockSkewMs } from '../../schema/wire/limits.ts';
import { quietLog, type Rig, startRig } from '../relay/agent/fixture.ts';

const hour = 60 * 60_000;
const jumps = [-365 * 24 * hour, -hour, -clockSkewMs - 2_000, -1_000, 1_000, hour, 365 * 24 * hour];

/** Orders a start of a guest as an operator whose own clock is right. */
const orderAt = async (rig: Rig, rightNow: number, target = 'files'): Promise<string> => {
  const intent = await rig.home.intent([{ target }], { issuedAt: rightNow });
  const outcome = await rig.order(intent, 0, { exp: rightNow + 60_000 });
  await rig.executor.idle();
  return outcome.kind === 'dropped' ? outcome.code : outcome.kind;
};

test('threat 12: a clock that is set before, during or after a step runs no step twice and loses no receipt', async () => {
  for (const jump of jumps) {
    let end = (): void => undefined;
    const rig = await startRig({
      behaviour: {
        act: () =>
          new Promise((resolve) => {
            end = () => resolve(undefined);
          }),
      },
    });
    const { clock, home } = rig;
    const rightNow = clock.now();
    const intent = await home.intent([{}], { issuedAt: rightNow });
    const offer = () => rig.order(intent, 0, { exp: rightNow + 60_000 });
    assert.equal((await offer()).kind, 'started');

    clock.set(rightNow + jump);
    assert.notEqual((await offer()).kind, 'started', `while it runs, by ${jump} ms`);
    end();
    await rig.executor.idle();
    assert.deepEqual(
      rig.receipts().map(({ state }) => state),
      ['started', 'succeeded'],
      'its end is told whatever the clock says',
    );
    assert.notEqual((await offer()).kind, 'started', `after its end, by ${jump} ms`);

    const next = await rig.restart();
    assert.notEqual((await next.order(intent, 0, { exp: rightNow + 60_000 })).kind, 'started');
    clock.set(rightNow);
    assert.notEqual((await next.order(intent)).kind, 'started', 'set right again');
    assert.equal(next.deeds.length, 1);
    await next.executor.close();
  }
});

test('threat 12: no job runs while the clock is behind the journalled time, but for the skew', async () => {
  const rig = await startRig();
  // Away from the enrolment, before which nothing is taken anyway.
  rig.clock.advance(hour);
  const rightNow = rig.clock.now();
  assert.equal(await orderAt(rig, rightNow), 'started');
  rig.clock.set(rightNow - clockSkewMs + 1_000);
  assert.equal(await orderAt(rig, rig.clock.now()), 'started');
  rig.clock.set(rightNow - clockSkewMs - 1_000);
  assert.equal(await orderAt(rig, rig.clock.now()), 'clock_behind');
  const next = await rig.restart();
  assert.equal(await orderAt(next, rig.clock.now()), 'clock_behind', 'after a restart, too');
  rig.clock.set(rightNow);
  assert.equal(await orderAt(next, rightNow), 'started');
  await next.executor.close();
});

test('threat 12: time is journalled only while it is synchronised', async () => {
  const rig = await startRig();
  const { clock } = rig;
  const rightNow = clock.now();
  clock.setSynchronised(false);
  clock.set(rightNow + 365 * 24 * hour);
  assert.equal(await orderAt(rig, clock.now()), 'started');
  clock.set(rightNow);
  assert.equal(await orderAt(rig, rightNow), 'started', 'a jump that nothing vouched for leaves no trace');
  await rig.executor.close();
});

test('threat 12: one jump ahead does not brick the relay after clock accept, and lets nothing run again', async () => {
  const rig = await startRig({ compactBytes: 1 });
  const { clock, home, disk } = rig;
  const rightNow = clock.now();
  const before = await home.intent([{ action: 'guest.stop' }], { issuedAt: rightNow, lifetimeMs: 12 * hour });
  const unused = await home.intent([{ action: 'guest.stop' }], { issuedAt: rightNow, lifetimeMs: 12 * hour });
  assert.equal((await rig.order(before)).kind, 'started');
  await rig.executor.idle();
  rig.executor.confirmReceipts(rig.executor.head().seq);

  // A time server lies once; the journal takes it, and forgets what it now takes for long expired.
  clock.set(rightNow + 365 * 24 * hour);
  for (let i = 0; i < 40; i += 1) await rig.state.journal.append([]);
  assert.equal(rig.state.journal.state.steps.size, 0);
  clock.set(rightNow + hour);
  assert.equal(await orderAt(rig, clock.now()), 'clock_behind');
  await rig.executor.close();

  const offline = await openState({ disk, clock, log: quietLog() });
  assert.ok(offline.ok);
  const accepted = await acceptClock(offline.value.journal, clock);
  assert.deepEqual(accepted, {
    ok: true,
    value: { before: rightNow + 365 * 24 * hour, now: rightNow + hour },
  });
  await offline.value.journal.close();

  const next = await rig.restart({ cut: true });
  assert.deepEqual(await next.order(before), { kind: 'dropped', code: 'intent_before_enrolment' });
  assert.deepEqual(await next.order(unused), { kind: 'dropped', code: 'intent_before_enrolment' });
  assert.equal(next.deeds.filter(({ action }) => action === 'guest.stop').length, 1);
  clock.advance(1_000);
  assert.equal(await orderAt(next, clock.now()), 'started');
  await next.executor.close();
});

test('threat 12: a limit is not loosened by the clock, whichever way it is set', async () => {
  for (const jump of jumps) {
    const rig = await startRig();
    const { home, clock } = rig;
    await home.amend((document) => ({
      ...document,
      identities: {
        ...document.identities,
        controller: {
          ...document.identities.controller!,
          may: [{ action: 'guest.start', on: ['gaming'], limit: '1/1h' }],
        } as never,
      },
    }));
    await rig.state.trust.install(home.versions);
    clock.setSynchronised(false);
    const order = async (): Promise<string> => {
      const intent = await home.intent([{}], { by: home.controller, issuedAt: clock.now() });
      const outcome = await rig.order(intent);
      await rig.executor.idle();
      return outcome.kind === 'started' ? 'started' : 'not';
    };
    assert.equal(await order(), 'started');
    clock.set(clock.now() + jump);
    assert.equal(await order(), 'not', `by ${jump} ms`);
    await rig.executor.close();
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRig } from './fixture.ts';

test('what is held is waited for by steps of the same target, and by no others', async () => {
  const rig = await startRig();
  const { executor, home, clock } = rig;
  const letGo = executor.hold('release.apply', 'gaming');
  assert.ok(letGo !== null);
  assert.equal(executor.hold('release.apply', 'gaming'), null);
  const write = (target: string) => home.intent([{ target }], { issuedAt: clock.now() });
  assert.equal((await rig.order(await write('gaming'))).kind, 'waiting');
  assert.equal((await rig.order(await write('files'))).kind, 'started');
  assert.equal(executor.hold('release.apply', 'gaming'), null, 'nor does anybody overtake who waits');
  assert.deepEqual(executor.running().length, 1, 'a hold is no step');
  letGo();
  await executor.idle();
  assert.deepEqual(
    rig.deeds.map(({ target }) => target),
    ['files', 'gaming'],
  );
  const again = executor.hold('release.apply', 'gaming');
  assert.ok(again !== null);
  await executor.close();
  assert.equal(executor.hold('release.apply', 'websvcs'), null);
});

test('a target at which a step is at work is not held', async () => {
  let end = (): void => undefined;
  const rig = await startRig({
    behaviour: {
      act: () =>
        new Promise((resolve) => {
          end = () => resolve(undefined);
        }),
    },
  });
  const ended: string[] = [];
  rig.executor.onEnd(({ action, target }) => {
    ended.push(`${action} ${target}`);
    assert.notEqual(rig.executor.hold('release.apply', 'gaming'), null, 'it is free by then');
  });
  const intent = await rig.home.intent([{}], { issuedAt: rig.clock.now() });
  assert.equal((await rig.order(intent)).kind, 'started');
  assert.equal(rig.executor.hold('release.apply', 'gaming'), null);
  assert.notEqual(rig.executor.hold('release.apply', 'files'), null);
  end();
  while (ended.length === 0) await new Promise(setImmediate);
  assert.deepEqual(ended, ['guest.start gaming']);
  await rig.executor.close();
});

test('a step that a crash left open keeps its target from the first moment on', async () => {
  const rig = await startRig({ behaviour: { act: () => new Promise(() => {}) } });
  assert.equal((await rig.order(await rig.home.intent([{}], { issuedAt: rig.clock.now() }))).kind, 'started');
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const next = await rig.restart({
    recover: false,
    behaviour: {
      async observe() {
        begun.resolve();
        await ended.promise;
        return { state: 'failed', code: 'interrupted' };
      },
    },
  });
  const recovered = next.executor.recover();
  assert.equal(next.executor.hold('release.apply', 'gaming'), null);
  await begun.promise;
  assert.equal(next.executor.hold('release.apply', 'gaming'), null);
  ended.resolve();
  await recovered;
  assert.notEqual(next.executor.hold('release.apply', 'gaming'), null);
  await next.executor.close();
});

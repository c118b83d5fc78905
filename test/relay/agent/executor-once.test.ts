import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../../../relay/actions/action.ts';
import { clockSkewMs, jobLifetimeMs } from '../../../schema/wire/limits.ts';
import { realJudge, startRig } from './fixture.ts';

test('of what a journal forgot, an API that lost it is offered what is left, in order', async () => {
  const rig = await startRig({ compactBytes: 1 });
  const order = async (): Promise<void> => {
    await rig.order(await rig.home.intent([{}], { issuedAt: rig.clock.now() }));
    await rig.executor.idle();
  };
  for (let i = 0; i < 3; i += 1) await order();
  rig.executor.confirmReceipts(6);
  rig.clock.advance(13 * 60 * 60_000);
  const left = (): number[] => [...rig.state.journal.state.receipts.keys()];
  for (let tries = 0; left().includes(1) && tries < 40; tries += 1) await order();
  assert.ok(left().length > 0 && left()[0] === 7, String(left()));
  rig.executor.confirmReceipts(0);
  assert.deepEqual(
    rig.executor.unconfirmedReceipts().map(({ seq }) => seq),
    left(),
  );
  await rig.executor.close();
});

test('an envelope is verified as it comes, and again once its step had to wait', async () => {
  const gate = Promise.withResolvers<Outcome | undefined>();
  const verified: number[] = [];
  const rig = await startRig({
    behaviour: { act: () => gate.promise },
    judge: {
      ...realJudge,
      verifyEnvelope: (context, text, seen) => {
        verified.push(seen);
        return realJudge.verifyEnvelope(context, text, seen);
      },
    },
  });
  const issuedAt = rig.clock.now();
  const first = await rig.home.intent([{ target: 'gaming' }], { issuedAt });
  const second = await rig.home.intent([{ action: 'guest.shutdown', target: 'gaming' }], { issuedAt });
  assert.equal((await rig.order(first)).kind, 'started');
  assert.deepEqual(verified, [0]);
  assert.equal((await rig.order(second)).kind, 'waiting');
  assert.deepEqual(verified, [0, 1]);
  // Its lifetime ends while it waits, so that it is left alone although nothing of it changed.
  rig.clock.advance(jobLifetimeMs + clockSkewMs);
  gate.resolve(undefined);
  await rig.executor.idle();
  assert.deepEqual(verified, [0, 1, 1]);
  assert.deepEqual(
    [rig.deeds.length, rig.log.find(({ event }) => event === 'job_dropped')?.fields.code],
    [1, 'job_expired'],
  );
  await rig.executor.close();
});

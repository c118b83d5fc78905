import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import { generateKey, type SigningKey } from '../../schema/jose/keys.ts';
import type { TrustDocument } from '../../schema/trust/document.ts';
import type { TrustGrant } from '../../schema/trust/grant.ts';
import type { Step } from '../../schema/wire/intent.ts';
import type { Receipt } from '../../schema/wire/receipt.ts';
import { defaultHome, type Rig, readReceipt, startRig } from '../relay/agent/fixture.ts';
import type { TestIntent } from '../support/relay-home.ts';

const operatorMay = (document: TrustDocument, may: TrustGrant[]): TrustDocument => ({
  ...document,
  identities: { ...document.identities, operator: { ...document.identities.operator!, may } as never },
});

/** Puts a job before a relay and expects that it is left alone, with a code, and that all else goes on. */
async function assertDropped(rig: Rig, text: string, code: string): Promise<void> {
  const { deeds, executor, home, clock } = rig;
  const before = { deeds: deeds.length, receipts: rig.receipts().length, refused: executor.refused().count };
  assert.deepEqual(await executor.offer(text), { kind: 'dropped', code });
  await executor.idle();
  assert.equal(deeds.length, before.deeds, 'nothing was done');
  assert.equal(rig.receipts().length, before.receipts, 'nothing was journalled');
  assert.deepEqual(executor.refused(), { count: before.refused + 1, code });
  assert.ok(rig.log.some(({ event, fields }) => event === 'job_dropped' && fields.code === code));
  const good = await home.intent([{ target: 'files' }], { issuedAt: clock.now() });
  assert.deepEqual(await rig.order(good), { kind: 'started' }, 'other work goes on');
  await executor.idle();
}

test('threat 4: jobs recorded before a restart of the relay are worth nothing after it', async () => {
  const rig = await startRig();
  const intent = await rig.home.intent([{ action: 'guest.stop' }], { issuedAt: rig.clock.now() });
  const recorded = await rig.job(intent);
  const later = await rig.job(await rig.home.intent([{}], { issuedAt: rig.clock.now() }), 0, { seq: 90 });
  const next = await rig.restart();
  await assertDropped(next, recorded, 'job_session');
  await assertDropped(next, later, 'job_session');
  await next.executor.close();
});

test('threat 4: one approval works once, however many jobs carry it, over restarts and after a compaction', async () => {
  const rig = await startRig({ compactBytes: 1 });
  const intent = await rig.home.intent([{ action: 'guest.stop' }], { issuedAt: rig.clock.now() });
  assert.deepEqual(await rig.order(intent), { kind: 'started' });
  await rig.executor.idle();
  for (let i = 0; i < 5; i += 1) assert.equal((await rig.order(intent)).kind, 'consumed');
  for (let i = 0; i < 30; i += 1) {
    await rig.order(await rig.home.intent([{ target: 'files' }], { issuedAt: rig.clock.now() }));
    await rig.executor.idle();
  }
  const next = await rig.restart();
  assert.equal((await next.order(intent)).kind, 'consumed');
  assert.equal(next.deeds.filter(({ action }) => action === 'guest.stop').length, 1);
  // Long after, when the journal has forgotten it: it expired, whatever the clock says.
  next.executor.confirmReceipts(next.executor.head().seq);
  next.clock.advance(24 * 60 * 60_000);
  await next.state.journal.append([]);
  next.clock.setSynchronised(false);
  const third = await next.restart();
  third.clock.set(intent.intent.issued_at);
  assert.equal((await third.order(intent)).kind, 'dropped');
  assert.equal(third.deeds.filter(({ action }) => action === 'guest.stop').length, 1);
  await third.executor.close();
});

test('threat 4: one approval at many relays runs each of its steps where it belongs, and nowhere else', async () => {
  const home = await defaultHome();
  const tower = await startRig({ home, relay: 'pve2' });
  const board = await startRig({ home, relay: 'pve1', clock: tower.clock });
  const steps = [
    { relay: 'pve1', action: 'host.wake', target: 'pve2' },
    { relay: 'pve2', action: 'guest.start', target: 'gaming' },
  ];
  const intent = await home.intent(steps, { issuedAt: tower.clock.now() });
  await assertDropped(tower, await tower.job(intent, 0), 'step_not_ours');
  assert.deepEqual(await board.executor.offer(await board.job(intent, 1)), {
    kind: 'dropped',
    code: 'step_not_ours',
  });
  assert.equal((await board.order(intent, 0)).kind, 'started');
  assert.equal((await tower.order(intent, 1)).kind, 'started');
  await board.executor.idle();
  await tower.executor.idle();
  assert.equal((await tower.order(intent, 1)).kind, 'consumed');
  assert.deepEqual(
    board.deeds.map(({ action }) => action),
    ['host.wake'],
  );
  await tower.executor.close();
  await board.executor.close();
});

test('threat 5: queued work is authorised again when its turn comes', async () => {
  let end = (): void => undefined;
  const rig = await startRig({
    behaviour: {
      act: (_type, ctx) =>
        ctx.target === 'gaming'
          ? new Promise((resolve) => {
              end = () => resolve(undefined);
            })
          : Promise.resolve(undefined),
    },
  });
  const { home, clock } = rig;
  assert.equal((await rig.order(await home.intent([{}], { issuedAt: clock.now() }))).kind, 'started');
  const queued = await home.intent([{ target: 'devtop' }], { issuedAt: clock.now() });
  assert.equal((await rig.order(queued)).kind, 'waiting');
  await home.amend((document) => operatorMay(document, []));
  await rig.state.trust.install(home.versions);
  end();
  await rig.executor.idle();
  assert.deepEqual(
    rig.deeds.map(({ target }) => target),
    ['gaming'],
  );
  assert.equal(rig.receipts().at(-1)?.code, 'not_granted');
  await rig.executor.close();
});

test('threat 6: an intent for another home, an authorisation of another kind, and two that would add up', async () => {
  const rig = await startRig();
  const { home, clock } = rig;
  const other = await defaultHome();
  const issuedAt = clock.now();
  const intent = await home.intent([{ action: 'guest.stop' }], { issuedAt });
  const sign = (kind: Parameters<typeof signJws>[0], payload: object, key: SigningKey = home.operator) =>
    signJws(kind, payload, key);
  const withAuthorisation = async (authorisation: string, more: Partial<TestIntent> = {}) =>
    rig.job({ ...intent, ...more, authorisation });

  const abroad = await other.intent([{ action: 'guest.stop' }], { issuedAt, by: home.operator });
  await assertDropped(rig, await rig.job(abroad), 'authorisation_home');
  const claim = { home: home.id, kind: 'intent', digest: abroad.digest };
  await assertDropped(
    rig,
    await rig.job({ ...abroad, authorisation: await sign('intent', claim) }),
    'intent_home',
  );

  const bytes = intent.bytes;
  const asRelease = {
    home: home.id,
    kind: 'intent',
    digest: await digestOf('release', bytes),
  };
  await assertDropped(rig, await withAuthorisation(await sign('intent', asRelease)), 'authorisation_digest');
  const ofRelease = { ...asRelease, kind: 'release' };
  await assertDropped(rig, await withAuthorisation(await sign('intent', ofRelease)), 'authorisation_invalid');
  const right = { home: home.id, kind: 'intent', digest: intent.digest };
  for (const kind of ['proof', 'job', 'report', 'receipt', 'heartbeat', 'trust', 'token'] as const) {
    await assertDropped(rig, await withAuthorisation(await sign(kind, right)), 'authorisation_invalid');
  }
  await assertDropped(
    rig,
    await withAuthorisation(await sign('intent', { ...right, more: 1 })),
    'authorisation_invalid',
  );
  const stranger = (await generateKey()).signing;
  for (const key of [stranger, home.root, home.relays.pve2!.signing, home.relays.pve1!.signing]) {
    await assertDropped(
      rig,
      await withAuthorisation(await sign('intent', right, key)),
      'authorisation_invalid',
    );
  }
  const another = await home.intent([{ action: 'guest.stop' }], { issuedAt });
  await assertDropped(rig, await withAuthorisation(another.authorisation), 'authorisation_digest');

  // The controller may start, the operator may stop: an intent of both is neither's.
  await home.amend((document) => operatorMay(document, [{ action: 'guest.stop', on: ['gaming'] }]));
  await rig.state.trust.install(home.versions);
  const both = [{ action: 'guest.start' }, { action: 'guest.stop' }];
  for (const by of [home.operator, home.controller]) {
    const sum = await home.intent(both, { issuedAt, by });
    assert.deepEqual(await rig.order(sum, 0), { kind: 'refused', code: 'not_granted' });
    assert.deepEqual(await rig.order(sum, 1), { kind: 'refused', code: 'not_granted' });
  }
  await rig.executor.close();
});

test('threat 8: a job for another relay, another home, or by another key is left alone', async () => {
  const rig = await startRig();
  const { home, clock } = rig;
  const intent = await home.intent([{ action: 'guest.stop' }], { issuedAt: clock.now() });
  await assertDropped(rig, await rig.job(intent, 0, { relay: 'pve1' }), 'job_relay');
  await assertDropped(rig, await rig.job(intent, 0, { home: `h_${'0'.repeat(26)}` }), 'job_home');
  for (const key of [home.operator, home.root, home.relays.pve1!.signing, (await generateKey()).signing]) {
    await assertDropped(rig, await rig.job(intent, 0, {}, key), 'jws_key_unknown');
  }
  await assertDropped(rig, await rig.job(intent, 0, { exp: clock.now() }), 'job_expired');
  await assertDropped(rig, await rig.job(intent, 0, { exp: clock.now() + 3_600_000 }), 'job_expired');
  await assertDropped(rig, await rig.job(intent, 7), 'step_unknown');
  await assertDropped(rig, 'x'.repeat(600_000), 'jws_too_large');
  await assertDropped(rig, '', 'jws_malformed');
  assert.equal(rig.deeds.filter(({ action }) => action === 'guest.stop').length, 0);
  await rig.executor.close();
});

test('threat 8: the targets of a step are where the house says, and its relay is who the house says', async () => {
  const rig = await startRig();
  const cases: [Partial<Step>, string][] = [
    [{ action: 'guest.start', target: 'nobody' }, 'target_unknown'],
    [{ action: 'guest.start', target: 'pve2' }, 'target_unknown'],
    [{ action: 'host.shutdown', target: 'gaming' }, 'target_unknown'],
    [{ action: 'host.wake', target: 'pve2' }, 'relay_wrong'],
    [{ action: 'guest.destroy', target: 'gaming' }, 'action_unknown'],
  ];
  for (const [step, code] of cases) {
    const intent = await rig.home.intent([step], { issuedAt: rig.clock.now() });
    assert.deepEqual(await rig.order(intent), { kind: 'refused', code }, JSON.stringify(step));
  }
  const inherited = await rig.home.intent([{ target: 'constructor' }], { issuedAt: rig.clock.now() });
  assert.notEqual((await rig.order(inherited)).kind, 'started');
  // A step elsewhere in the plan spoils the whole.
  const spoilt = await rig.home.intent([{}, { relay: 'pve1' }], { issuedAt: rig.clock.now() });
  assert.deepEqual(await rig.order(spoilt, 0), { kind: 'refused', code: 'relay_wrong' });
  assert.deepEqual(rig.deeds, []);
  await rig.executor.close();
});

test('threat 9: a step runs only with genuine receipts of the steps it comes after', async () => {
  const home = await defaultHome();
  const tower = await startRig({ home, relay: 'pve2' });
  const board = await startRig({ home, relay: 'pve1', clock: tower.clock });
  const plan: Partial<Step>[] = [
    { relay: 'pve1', action: 'host.wake', target: 'pve2' },
    { action: 'guest.start', target: 'gaming', after: [{ step: 0, if: 'succeeded' }] },
  ];
  const issuedAt = tower.clock.now();
  const runWake = async (intent: TestIntent): Promise<string[]> => {
    assert.equal((await board.order(intent, 0)).kind, 'started');
    await board.executor.idle();
    return board.receiptTexts().slice(-2);
  };
  const write = () => home.intent(plan, { issuedAt });
  const model = await write();
  const [, genuine] = await runWake(model);
  const like = readReceipt(genuine!);
  const forge = (intent: TestIntent, change: Partial<Receipt>, key: SigningKey) =>
    signJws('receipt', { ...like, intent: intent.digest, ...change }, key);
  const boardKey = home.relays.pve1!.signing;
  const towerKey = home.relays.pve2!.signing;

  const bad: [string, (intent: TestIntent) => Promise<string[]>][] = [
    ['none', async () => []],
    ['only started', async (intent) => [(await runWake(intent))[0]!]],
    ['by the controller', async (intent) => [await forge(intent, {}, home.controller)]],
    ['by the operator', async (intent) => [await forge(intent, {}, home.operator)]],
    ['by a stranger', async (intent) => [await forge(intent, {}, (await generateKey()).signing)]],
    ['by another relay', async (intent) => [await forge(intent, {}, towerKey)]],
    [
      'by another relay in its own name',
      async (intent) => [await forge(intent, { relay: 'pve2' }, towerKey)],
    ],
    ['of another intent', async () => [genuine!]],
    ['of another step', async (intent) => [await forge(intent, { step: 1 }, boardKey)]],
    ['of another action', async (intent) => [await forge(intent, { action: 'guest.start' }, boardKey)]],
    ['of another target', async (intent) => [await forge(intent, { target: 'gaming' }, boardKey)]],
    ['of another home', async (intent) => [await forge(intent, { home: `h_${'0'.repeat(26)}` }, boardKey)]],
    ['failed', async (intent) => [await forge(intent, { state: 'failed', code: 'no' }, boardKey)]],
    ['refused', async (intent) => [await forge(intent, { state: 'refused', code: 'no' }, boardKey)]],
    ['not a receipt', async (intent) => [intent.authorisation, 'a.b.c']],
  ];
  for (const [name, receiptsOf] of bad) {
    const intent = await write();
    const outcome = await tower.order(intent, 1, { receipts: await receiptsOf(intent) });
    assert.deepEqual(outcome, { kind: 'refused', code: 'after_unmet' }, name);
  }
  assert.deepEqual(tower.deeds, []);

  const intent = await write();
  assert.equal((await tower.order(intent, 1, { receipts: await runWake(intent) })).kind, 'started');
  await tower.executor.idle();
  assert.equal(tower.deeds.length, 1);

  // `ended` takes any final state, and nothing less.
  const anyway: Partial<Step>[] = [plan[0]!, { ...plan[1], after: [{ step: 0, if: 'ended' }] }];
  for (const [state, kind] of [
    ['failed', 'started'],
    ['unknown', 'started'],
    ['refused', 'started'],
    ['started', 'refused'],
  ] as const) {
    const ended = await home.intent(anyway, { issuedAt });
    const receipts = [await forge(ended, { state, code: state === 'started' ? null : 'told' }, boardKey)];
    assert.equal((await tower.order(ended, 1, { receipts })).kind, kind, state);
    await tower.executor.idle();
  }
  await tower.executor.close();
  await board.executor.close();
});

test('threat 9: a gap in the numbers of jobs is logged, and an older number is not taken', async () => {
  const rig = await startRig();
  const { home, clock } = rig;
  const intent = await home.intent([{}], { issuedAt: clock.now() });
  assert.equal((await rig.order(intent, 0, { seq: 5 })).kind, 'started');
  assert.ok(rig.log.some(({ event, fields }) => event === 'jobs_missed' && fields.count === 4));
  await rig.executor.idle();
  const late = await home.intent([{ target: 'files' }], { issuedAt: clock.now() });
  assert.deepEqual(await rig.order(late, 0, { seq: 5 }), { kind: 'dropped', code: 'job_replayed' });
  assert.deepEqual(await rig.order(late, 0, { seq: 4 }), { kind: 'dropped', code: 'job_replayed' });
  assert.equal((await rig.order(late, 0, { seq: 6 })).kind, 'started');
  await rig.executor.close();
});

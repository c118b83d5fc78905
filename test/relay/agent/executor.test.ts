import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../../../relay/actions/action.ts';
import type { Executor } from '../../../relay/agent/executor-contract.ts';
import { createMemoryDisk, startRig } from './fixture.ts';

/** A promise that is settled from outside. */
const createGate = <T>() => {
  let open: (value: T) => void = () => undefined;
  const passed = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { passed, open };
};

test('a granted step runs once, with a started and a final receipt', async () => {
  const rig = await startRig();
  const intent = await rig.home.intent([{}], { by: rig.home.controller, issuedAt: rig.clock.now() });
  assert.deepEqual(await rig.order(intent), { kind: 'started' });
  await rig.executor.idle();
  assert.deepEqual(rig.deeds, [{ action: 'guest.start', target: 'gaming', params: {} }]);
  const states = rig.receipts().map((receipt) => [receipt.seq, receipt.state, receipt.code]);
  assert.deepEqual(states, [
    [1, 'started', null],
    [2, 'succeeded', null],
  ]);
  const again = await rig.order(intent);
  assert.equal(again.kind, 'consumed');
  assert.deepEqual(again.kind === 'consumed' && again.receipts.map(({ jws }) => jws), rig.receiptTexts());
  assert.equal(rig.deeds.length, 1);
  await rig.executor.close();
});

test('a step beyond the grants is refused for good, with a receipt', async () => {
  const rig = await startRig();
  const { home, clock } = rig;
  const intent = await home.intent([{ action: 'guest.stop' }], {
    by: home.controller,
    issuedAt: clock.now(),
  });
  assert.deepEqual(await rig.order(intent), { kind: 'refused', code: 'not_granted' });
  assert.equal((await rig.order(intent)).kind, 'consumed');
  assert.deepEqual(
    rig.receipts().map(({ state, code }) => [state, code]),
    [['refused', 'not_granted']],
  );
  assert.deepEqual(rig.deeds, []);
  await rig.executor.close();
});

test('threat 14: no name of an action that an authority makes up can keep the relay from starting', async () => {
  let rig = await startRig();
  for (const length of [10, 58, 59, 200, 9_000, 60_000]) {
    const action = `${'a'.repeat(length)}.b`;
    const intent = await rig.home.intent([{ relay: 'pve2', action, target: 'gaming' }], {
      issuedAt: rig.clock.now(),
      by: rig.home.controller,
    });
    const outcome = await rig.order(intent);
    const fits = action.length <= 60;
    assert.deepEqual(
      outcome,
      fits ? { kind: 'refused', code: 'action_unknown' } : { kind: 'dropped', code: 'intent_malformed' },
      `${action.length} characters`,
    );
    rig = await rig.restart();
  }
  assert.equal(rig.receipts().length, 2);
  await rig.executor.close();
});

test('the journal takes nothing that it could not be read with', async () => {
  const rig = await startRig();
  const { journal } = rig.state;
  const long = { k: 'audit', seq: 1, hash: 'sha256:short' } as const;
  assert.equal((await journal.append([long])).ok, false);
  assert.equal((await journal.append([])).ok, true);
  const next = await rig.restart();
  assert.equal(next.state.journal.state.audit, null);
  await next.executor.close();
});

test('steps run side by side unless their locks conflict; those wait, and are judged anew', async () => {
  const gates = { gaming: createGate<undefined>(), files: createGate<undefined>() };
  const rig = await startRig({
    behaviour: {
      act: async (_type, ctx): Promise<Outcome | undefined> =>
        gates[ctx.target as keyof typeof gates]?.passed,
    },
  });
  const { home, clock } = rig;
  const start = (target: string) => home.intent([{ target }], { issuedAt: clock.now() });
  assert.deepEqual(await rig.order(await start('gaming')), { kind: 'started' });
  assert.deepEqual(await rig.order(await start('files')), { kind: 'started' });
  assert.equal(rig.executor.running().length, 2);
  // devtop shares gaming's GPU.
  const devtop = await start('devtop');
  assert.deepEqual(await rig.order(devtop), { kind: 'waiting' });
  assert.deepEqual(await rig.order(devtop), { kind: 'waiting' });
  assert.equal(rig.state.journal.state.steps.size, 2, 'a step that waits is not consumed');

  // While it waits, the owner takes the right away.
  await home.amend((document) => ({
    ...document,
    identities: { ...document.identities, operator: { ...document.identities.operator!, may: [] } as never },
  }));
  assert.equal((await rig.state.trust.install(home.versions)).changed, true);
  gates.gaming.open(undefined);
  gates.files.open(undefined);
  await rig.executor.idle();
  assert.deepEqual(
    rig.deeds.map(({ target }) => target),
    ['gaming', 'files'],
  );
  assert.deepEqual(rig.receipts().at(-1)?.code, 'not_granted');
  await rig.executor.close();
});

test('the whole host waits for its guests, and nothing overtakes it', async () => {
  const gate = createGate<undefined>();
  const rig = await startRig({
    behaviour: { act: async (_type, ctx) => (ctx.target === 'gaming' ? gate.passed : undefined) },
  });
  const { home, clock } = rig;
  const issuedAt = clock.now();
  assert.equal((await rig.order(await home.intent([{ target: 'gaming' }], { issuedAt }))).kind, 'started');
  const shutdown = await home.intent([{ action: 'host.shutdown', target: 'pve2' }], { issuedAt });
  assert.equal((await rig.order(shutdown)).kind, 'waiting');
  assert.equal((await rig.order(await home.intent([{ target: 'files' }], { issuedAt }))).kind, 'waiting');
  gate.open(undefined);
  await rig.executor.idle();
  assert.deepEqual(
    rig.deeds.map(({ target }) => target),
    ['gaming', 'pve2', 'files'],
  );
  await rig.executor.close();
});

test('the queue of waiting steps is bounded', async () => {
  const gate = createGate<undefined>();
  const rig = await startRig({ behaviour: { act: async () => gate.passed } });
  const issuedAt = rig.clock.now();
  const kinds: string[] = [];
  for (let i = 0; i < 40; i += 1)
    kinds.push((await rig.order(await rig.home.intent([{}], { issuedAt }))).kind);
  assert.equal(kinds.filter((kind) => kind === 'started').length, 1);
  assert.equal(kinds.filter((kind) => kind === 'waiting').length, 32);
  assert.equal(kinds.filter((kind) => kind === 'dropped').length, 7);
  gate.open(undefined);
  await rig.executor.idle();
  assert.equal(rig.deeds.length, 33);
  await rig.executor.close();
});

test('a precheck that refuses ends the step before it began', async () => {
  const rig = await startRig({
    behaviour: { precheck: async () => ({ ok: false, reason: 'in_use' }) },
  });
  const intent = await rig.home.intent([{ action: 'guest.shutdown' }], { issuedAt: rig.clock.now() });
  assert.deepEqual(await rig.order(intent), { kind: 'refused', code: 'in_use' });
  assert.deepEqual(
    rig.receipts().map(({ state, code }) => [state, code]),
    [['refused', 'in_use']],
  );
  assert.deepEqual(rig.deeds, []);
  await rig.executor.close();
});

test('what an action throws, or says in a wrong shape, ends as unknown', async () => {
  const rig = await startRig({
    behaviour: {
      async act(_type, ctx) {
        if (ctx.target === 'files') return { state: 'succeeded', result: { note: 'something else' } };
        throw new Error('a bug');
      },
    },
  });
  const issuedAt = rig.clock.now();
  await rig.order(await rig.home.intent([{ target: 'gaming' }], { issuedAt }));
  await rig.order(await rig.home.intent([{ target: 'files' }], { issuedAt }));
  await rig.executor.idle();
  const finals = rig.receipts().filter(({ state }) => state !== 'started');
  assert.deepEqual(
    finals.map(({ state, code }) => [state, code]),
    [
      ['unknown', 'relay_fault'],
      ['unknown', 'relay_fault'],
    ],
  );
  await rig.executor.close();
});

test('a step that hangs is told to end at its deadline, and given up after it', async () => {
  const begun = createGate<AbortSignal>();
  const rig = await startRig({
    behaviour: {
      act: (_type, ctx) => {
        begun.open(ctx.signal);
        return new Promise(() => undefined);
      },
    },
  });
  await rig.order(await rig.home.intent([{}], { issuedAt: rig.clock.now() }));
  const signal = await begun.passed;
  rig.clock.advance(15 * 60_000 + 1);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(signal.aborted, true);
  rig.clock.advance(60_000);
  await rig.executor.idle();
  assert.equal(rig.receipts().at(-1)?.code, 'deadline_passed');
  await rig.executor.close();
});

test("a host's shutdown is receipted after the next boot", async () => {
  const announced = createGate<boolean>();
  const rig = await startRig({
    behaviour: {
      async act(_type, ctx) {
        announced.open((await ctx.announcePowerOff()).ok);
        return { state: 'pending_boot' };
      },
    },
  });
  const intent = await rig.home.intent([{ action: 'host.shutdown', target: 'pve2' }], {
    issuedAt: rig.clock.now(),
  });
  await rig.order(intent);
  assert.equal(await announced.passed, true);
  await rig.executor.idle();
  assert.deepEqual(
    rig.executor.running().map(({ phase }) => phase),
    ['powering_off'],
  );
  rig.clock.reboot();
  rig.clock.advance(40_000);
  const next = await rig.restart({
    cut: true,
    behaviour: {
      observe: async (ctx) =>
        ctx.powerOffAnnounced && ctx.bootAtStart !== ctx.bootNow
          ? { state: 'succeeded', result: {} }
          : { state: 'unknown', code: 'interrupted' },
    },
  });
  assert.equal(next.receipts().at(-1)?.state, 'succeeded');
  assert.equal(next.receipts().at(-1)?.boot, 'boot-2');
  assert.equal(next.deeds.length, 1);
  await next.executor.close();
});

test('a host that was told to power off and stays on is unknown after a while', async () => {
  const rig = await startRig({
    behaviour: {
      async act(_type, ctx) {
        await ctx.announcePowerOff();
        return { state: 'pending_boot' };
      },
    },
  });
  const issuedAt = rig.clock.now();
  await rig.order(await rig.home.intent([{ action: 'host.shutdown', target: 'pve2' }], { issuedAt }));
  await rig.executor.idle();
  const ended = new Promise((resolve) => rig.executor.onReceipt(resolve));
  rig.clock.advance(11 * 60_000);
  await ended;
  assert.deepEqual([rig.receipts().at(-1)?.state, rig.receipts().at(-1)?.code], ['unknown', 'host_still_on']);
  await rig.executor.close();
});

test('receipts are chained, kept until confirmed, and offered again to an API that lost them', async () => {
  const rig = await startRig();
  for (let i = 0; i < 3; i += 1) {
    await rig.order(await rig.home.intent([{}], { issuedAt: rig.clock.now() }));
    await rig.executor.idle();
  }
  const numbers = (): number[] => rig.executor.unconfirmedReceipts().map(({ seq }) => seq);
  assert.deepEqual(numbers(), [1, 2, 3, 4, 5, 6]);
  rig.executor.confirmReceipts(4);
  assert.deepEqual(numbers(), [5, 6]);
  rig.executor.confirmReceipts(1_000_000);
  assert.deepEqual(numbers(), []);
  rig.executor.confirmReceipts(3);
  assert.deepEqual(numbers(), [4, 5, 6]);
  const next = await rig.restart();
  assert.equal(next.executor.head().seq, 6);
  const texts = next.receipts();
  for (const [i, receipt] of texts.entries()) assert.equal(receipt.seq, i + 1);
  assert.equal(new Set(texts.map(({ previous }) => previous)).size, 6);
  await next.executor.close();
});

test('numbers of reports are never given twice, not over a crash either', async () => {
  const rig = await startRig();
  const given = [await rig.executor.reportSeq(), await rig.executor.reportSeq()];
  const next = await rig.restart({ cut: true });
  given.push(await next.executor.reportSeq());
  assert.equal(new Set(given).size, 3);
  assert.ok(given[2]! > given[1]!);
  await next.executor.close();
});

test('threat 14: numbers of reports that a full disk cannot promise are not given', async () => {
  const disk = createMemoryDisk();
  const rig = await startRig({ disk });
  const given = new Set<number>();
  const take = async (executor: Executor): Promise<number | null> => {
    const seq = await executor.reportSeq();
    assert.ok(seq === null || !given.has(seq), `${seq} was given before`);
    if (seq !== null) given.add(seq);
    return seq;
  };
  while (given.size < 499) await take(rig.executor);
  disk.fault = 'ENOSPC';
  const before = given.size;
  for (let i = 0; i < 1_100; i += 1) await take(rig.executor);
  assert.ok(given.size - before >= 500, 'some hours of reports were promised before');
  assert.equal(await take(rig.executor), null);
  const full = await rig.restart({ cut: true });
  assert.equal(await take(full.executor), null);
  disk.fault = null;
  assert.notEqual(await take(full.executor), null, 'goes on once the disk is well');
  await full.executor.close();
});

test('threat 13: an audit log that goes back or forks is noticed, also after a restart', async () => {
  const rig = await startRig();
  const hash = (digit: string): string => `sha256:${digit.repeat(64)}`;
  assert.equal(await rig.executor.noteHeartbeat({ seq: 5, hash: hash('a') }), 'ok');
  assert.equal(await rig.executor.noteHeartbeat({ seq: 5, hash: hash('a') }), 'ok');
  assert.equal(await rig.executor.noteHeartbeat({ seq: 5, hash: hash('b') }), 'audit_forked');
  assert.equal(await rig.executor.noteHeartbeat({ seq: 4, hash: hash('c') }), 'audit_forked');
  const next = await rig.restart();
  assert.equal(await next.executor.noteHeartbeat({ seq: 4, hash: hash('c') }), 'audit_forked');
  assert.equal(await next.executor.noteHeartbeat({ seq: 6, hash: hash('d') }), 'ok');
  await next.executor.close();
});

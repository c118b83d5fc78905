import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JournalEntry, OrderEntry, StepEntry } from '../../../relay/agent/journal-format.ts';
import {
  answeringSteps,
  buildState,
  isOpen,
  type LiveState,
  snapshotOf,
  stepKey,
} from '../../../relay/agent/journal-state.ts';

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const beginning: readonly JournalEntry[] = [
  { k: 'genesis', v: 1, home: `h_${'0'.repeat(26)}`, relay: 'pve2', kid: 'k'.repeat(43) },
  { k: 'trust', version: 1, digest: digest('a') },
  { k: 'head', seq: 0, hash: digest('0') },
];
const step = (number: number, changes: Partial<StepEntry> = {}): StepEntry => ({
  k: 'step',
  intent: digest('b'),
  step: number,
  expires: hourMs,
  phase: 'ended',
  action: 'guest.start',
  target: 'gaming',
  params: null,
  at: 1,
  boot: 'boot-1',
  receipts: [],
  ...changes,
});
const receipt = (seq: number): JournalEntry & { k: 'receipt' } => ({
  k: 'receipt',
  seq,
  jws: `a.b.${seq}`,
  hash: digest(String(seq)),
});
const start = (lived: number, window: number): JournalEntry => ({
  k: 'start',
  identity: 'controller',
  action: 'guest.start',
  target: 'gaming',
  lived,
  window,
});
const number = (desk: number) => ({ run_id: 0, run_attempt: 0, desk });
const order = (desk: number, target = 'gaming'): OrderEntry => ({
  k: 'order',
  target,
  order: number(desk),
  digest: digest('f'),
});
const clock = (lived: number, time: number): JournalEntry => ({
  k: 'clock',
  boot: 'boot-2',
  uptime: 7,
  lived,
  time,
});

function build(...entries: readonly JournalEntry[]): LiveState {
  const state = buildState([...beginning, ...entries]);
  assert.ok(state !== null);
  return state;
}
const keysOf = (state: LiveState): string[] => [...state.view.steps.keys()];

describe('what the entries of a journal say together', () => {
  test('at its beginning nothing was done yet', () => {
    assert.deepEqual(build().view, {
      home: `h_${'0'.repeat(26)}`,
      relay: 'pve2',
      kid: 'k'.repeat(43),
      trust: { version: 1, digest: digest('a') },
      clock: { boot: '', uptime: 0, lived: 0 },
      time: 0,
      notBefore: 0,
      forgotten: 0,
      forgottenOrders: 0,
      orders: new Map(),
      steps: new Map(),
      receipts: new Map(),
      head: { seq: 0, hash: digest('0') },
      confirmed: 0,
      starts: [],
      audit: null,
      witnessed: 0,
      reports: 1,
      restored: false,
    });
  });

  test('threat 2: without a beginning it is no journal', () => {
    const [genesis, trust, head] = beginning as [JournalEntry, JournalEntry, JournalEntry];
    for (const entries of [[], [genesis, trust], [genesis, head], [trust, head], [trust, genesis, head]]) {
      assert.equal(buildState(entries), null);
    }
  });

  test('each entry sets its fact, and the last word counts', () => {
    const entries: JournalEntry[] = [
      { k: 'trust', version: 2, digest: digest('c') },
      { k: 'trust', version: 3, digest: digest('d') },
      clock(3, 4),
      clock(5, 6),
      { k: 'not_before', time: 9 },
      { k: 'forgotten', expires: 10, orders: 11 },
      order(1),
      order(2),
      step(0, { phase: 'started' }),
      step(0),
      step(1),
      receipt(1),
      start(1, 2),
      start(3, 4),
      { k: 'confirmed', seq: 1 },
      { k: 'audit', seq: 5, hash: digest('e') },
      { k: 'witnessed', time: 11 },
      { k: 'witnessed', time: 12 },
      { k: 'reports', next: 77 },
      { k: 'restored' },
    ];
    const { view } = build(...entries);
    assert.deepEqual(view, {
      home: `h_${'0'.repeat(26)}`,
      relay: 'pve2',
      kid: 'k'.repeat(43),
      trust: { version: 3, digest: digest('d') },
      clock: { boot: 'boot-2', uptime: 7, lived: 5 },
      time: 6,
      notBefore: 9,
      forgotten: 10,
      forgottenOrders: 11,
      orders: new Map([['gaming', order(2)]]),
      steps: new Map([
        [`${digest('b')}/0`, step(0)],
        [`${digest('b')}/1`, step(1)],
      ]),
      receipts: new Map([[1, receipt(1)]]),
      head: { seq: 1, hash: digest('1') },
      confirmed: 1,
      starts: [start(1, 2), start(3, 4)],
      audit: { seq: 5, hash: digest('e') },
      witnessed: 12,
      reports: 77,
      restored: true,
    });
  });

  test('threat 13: the head is the newest receipt, whatever the order they are read in', () => {
    const { view } = build(receipt(1), receipt(3), receipt(2));
    assert.deepEqual(view.head, { seq: 3, hash: digest('3') });
    const twice = build(receipt(1), { ...receipt(1), hash: digest('9') });
    assert.deepEqual(twice.view.head, { seq: 1, hash: digest('1') });
    const told = build(receipt(1), { k: 'head', seq: 8, hash: digest('8') });
    assert.deepEqual(told.view.head, { seq: 8, hash: digest('8') });
  });

  test('a step is found by its intent and number', () => {
    assert.equal(stepKey(digest('b'), 12), `${digest('b')}/12`);
  });

  test('started and powering off wait for their receipt, ended and refused do not', () => {
    for (const [phase, open] of [
      ['started', true],
      ['powering_off', true],
      ['ended', false],
      ['refused', false],
    ] as const) {
      assert.equal(isOpen(step(0, { phase })), open, phase);
    }
  });

  test('a snapshot builds the same state again, receipts in order', () => {
    const entries: JournalEntry[] = [
      { k: 'trust', version: 2, digest: digest('c') },
      clock(5, 6),
      { k: 'not_before', time: 9 },
      { k: 'forgotten', expires: 10 },
      receipt(2),
      receipt(1),
      step(0, { receipts: [1, 2] }),
      start(1, 2),
      order(4),
      order(5),
      order(6, 'files'),
      { k: 'confirmed', seq: 1 },
      { k: 'witnessed', time: 12 },
      { k: 'reports', next: 77 },
    ];
    const plain = build(...entries);
    const snapshot = snapshotOf(plain.view);
    assert.deepEqual(snapshot, [
      beginning[0],
      { k: 'trust', version: 2, digest: digest('c') },
      clock(5, 6),
      { k: 'not_before', time: 9 },
      { k: 'forgotten', expires: 10 },
      receipt(1),
      receipt(2),
      { k: 'head', seq: 2, hash: digest('2') },
      { k: 'confirmed', seq: 1 },
      step(0, { receipts: [1, 2] }),
      start(1, 2),
      order(5),
      order(6, 'files'),
      { k: 'witnessed', time: 12 },
      { k: 'reports', next: 77 },
    ]);
    assert.deepEqual(buildState(snapshot)?.view, plain.view);
    const denied = build(...entries, { k: 'forgotten', expires: 10, orders: 1 });
    assert.deepEqual(snapshotOf(denied.view)[4], { k: 'forgotten', expires: 10, orders: 1 });
    assert.deepEqual(buildState(snapshotOf(denied.view))?.view, denied.view);
    const more = build(...entries, { k: 'audit', seq: 5, hash: digest('e') }, { k: 'restored' });
    assert.deepEqual(snapshotOf(more.view).slice(-4), [
      { k: 'audit', seq: 5, hash: digest('e') },
      { k: 'witnessed', time: 12 },
      { k: 'reports', next: 77 },
      { k: 'restored' },
    ]);
    assert.deepEqual(buildState(snapshotOf(more.view))?.view, more.view);
  });
});

test('of a witness only what was there is written', () => {
  assert.equal(snapshotOf(build().view).length, 8);
  assert.equal(snapshotOf(build({ k: 'witnessed', time: 1 }).view).length, 9);
});

describe('what a journal forgets', () => {
  const lateMs = hourMs + 12 * hourMs;

  test('threat 4: a step is remembered until twelve hours after its intent expired, and then it is expired for good', () => {
    const state = build(step(0));
    state.forget(lateMs);
    assert.deepEqual([keysOf(state).length, state.view.forgotten], [1, 0]);
    state.forget(lateMs + 1);
    assert.deepEqual([keysOf(state).length, state.view.forgotten], [0, hourMs]);
  });

  test('the latest expiry of all that was forgotten counts', () => {
    const later = step(1, { expires: hourMs + 5 });
    for (const steps of [
      [step(0), later],
      [later, step(0)],
    ]) {
      const state = build(...steps);
      state.forget(lateMs + 6);
      assert.equal(state.view.forgotten, hourMs + 5);
    }
    const before = build({ k: 'forgotten', expires: dayMs }, step(0));
    before.forget(lateMs + 1);
    assert.equal(before.view.forgotten, dayMs);
  });

  test('threat 10: a step that is open, or whose receipts nobody confirmed, is kept', () => {
    const state = build(
      receipt(1),
      receipt(2),
      receipt(3),
      { k: 'confirmed', seq: 2 },
      step(0, { phase: 'started' }),
      step(1, { phase: 'powering_off' }),
      step(2, { receipts: [1, 3] }),
      step(3, { receipts: [2, 1] }),
    );
    state.forget(dayMs);
    assert.deepEqual(
      keysOf(state),
      [0, 1, 2].map((number) => `${digest('b')}/${number}`),
    );
  });

  test('threat 3: the highest order of a target is never forgotten, and bars what it was higher than', () => {
    const part = (index: number, desk: number) =>
      step(index, { release: { order: number(desk), issued_at: 5 } });
    const state = build(part(0, 7), part(1, 6), order(7));
    state.forget(lateMs + 1);
    assert.deepEqual([keysOf(state).length, state.view.orders.get('gaming')], [0, order(7)]);
    // Nothing but the order of the target is needed: other releases and intents are judged as before.
    assert.deepEqual([state.view.forgotten, state.view.forgottenOrders], [0, 0]);
  });

  test('threat 4: a part that nobody was allowed to order stays refused when it is forgotten', () => {
    const part = (index: number, desk: number, issued_at: number) =>
      step(index, { phase: 'refused', release: { order: number(desk), issued_at } });
    const higher = build(part(0, 8, 40), part(1, 9, 30), order(7));
    higher.forget(lateMs);
    assert.equal(higher.view.forgottenOrders, 0);
    higher.forget(lateMs + 1);
    assert.deepEqual([higher.view.forgotten, higher.view.forgottenOrders], [0, 40]);
    const first = build(part(0, 8, 40), { k: 'forgotten', expires: 0, orders: 50 });
    first.forget(lateMs + 1);
    assert.equal(first.view.forgottenOrders, 50);
  });

  /** So many steps before the newest that answer, each with a receipt of its own. */
  const crowd = (older: number, changes: Partial<StepEntry> = {}): JournalEntry[] =>
    Array.from({ length: older + answeringSteps }, (_, index) => [
      { ...receipt(index + 1), hash: digest('c') },
      step(index, { receipts: [index + 1], ...(index < older && changes) }),
    ]).flat();
  const allConfirmed: JournalEntry = { k: 'confirmed', seq: 2 * answeringSteps };

  test('threat 4: among many, the older ones are remembered until two minutes after their intent expired', () => {
    assert.equal(answeringSteps, 500);
    const state = build(...crowd(2), allConfirmed);
    state.forget(hourMs + 120_000);
    assert.deepEqual([state.view.steps.size, state.view.forgotten], [answeringSteps + 2, 0]);
    // Their receipts were confirmed, so they are not kept.
    assert.equal(state.view.receipts.keys().next().value, 3);
    state.forget(hourMs + 120_001);
    assert.deepEqual([state.view.steps.size, state.view.forgotten], [answeringSteps, hourMs]);
    assert.equal(keysOf(state)[0], `${digest('b')}/2`);
  });

  test('threat 10: also among many, one that is open, or whose receipt nobody confirmed, is kept', () => {
    const open = build(...crowd(2, { phase: 'started' }), allConfirmed);
    open.forget(lateMs);
    assert.deepEqual([open.view.steps.size, open.view.receipts.has(1)], [answeringSteps + 2, true]);
    const unheard = build(...crowd(2), { k: 'confirmed', seq: 1 });
    unheard.forget(lateMs);
    assert.deepEqual([unheard.view.steps.size, unheard.view.receipts.has(2)], [answeringSteps + 1, true]);
  });

  test('a receipt goes when it is confirmed and no step needs it', () => {
    const state = build(
      ...[1, 2, 3, 4].map(receipt),
      { k: 'confirmed', seq: 3 },
      step(0, { receipts: [2], expires: 2 * dayMs }),
    );
    state.forget(dayMs);
    assert.deepEqual([...state.view.receipts.keys()], [2, 4]);
    assert.deepEqual(state.view.head, { seq: 4, hash: digest('4') });
  });

  test('threat 26: a start is counted for 31 days, or as long as its limit looks back', () => {
    const days31 = 31 * dayMs;
    const lived = 100 * dayMs;
    const kept = [start(lived - days31 + 1, 1), start(lived - 60 * dayMs + 1, 60 * dayMs), start(lived, 1)];
    const gone = [start(lived - days31, 1), start(lived - 60 * dayMs, 60 * dayMs)];
    const state = build(clock(lived, 1), ...kept, ...gone);
    state.forget(0);
    assert.deepEqual(state.view.starts, kept);
  });
});

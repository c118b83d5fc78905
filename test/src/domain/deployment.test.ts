import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TargetState, targetStates } from '../../../schema/api/deployments.ts';
import type { Receipt, ReceiptState } from '../../../schema/wire/receipt.ts';
import {
  applyDisallowed,
  applyNewer,
  applyOvertaken,
  applyPartReceipt,
  applyProgress,
  type Deployment,
  type DeploymentChange,
  isAtWork,
  type PartRecord,
} from '../../../src/domain/deployment.ts';

const base: PartRecord = {
  part: 0,
  relay: 'pve2',
  target: 'websvcs',
  digest: 'sha256:part',
  state: 'pending',
  code: null,
  result: null,
  receipted: false,
  startedAt: null,
  endedAt: null,
};

const of = (...changes: readonly Partial<PartRecord>[]): Deployment => ({
  id: 'dep_1',
  digest: 'sha256:order',
  order: { commit: null } as Deployment['order'],
  signer: 'operator',
  principal: 'operator',
  createdAt: 0,
  endedAt: null,
  revision: 1,
  parts: changes.map((change, part) => ({ ...base, part, ...change })),
});

const receipt = (state: ReceiptState, step = 0): Receipt =>
  ({ step, state, code: state === 'succeeded' ? null : 'some_code', result: null }) as Receipt;
const stateOf = (change: DeploymentChange | null): TargetState | null =>
  change?.deployment.parts[0]?.state ?? null;

test('what each receipt makes of each state, by whomever it was ended', () => {
  const expected: Readonly<Record<TargetState, readonly (TargetState | null)[]>> = {
    //            refused, started, succeeded, failed, unknown
    pending: ['failed', 'pending', 'healthy', 'rolled-back', 'failed'],
    staged: ['failed', 'staged', 'healthy', 'rolled-back', 'failed'],
    activated: ['failed', 'activated', 'healthy', 'rolled-back', 'failed'],
    superseded: ['failed', 'pending', 'healthy', 'rolled-back', 'failed'],
    failed: ['failed', 'pending', 'healthy', 'rolled-back', 'failed'],
    healthy: [null, null, null, null, null],
    'rolled-back': [null, null, null, null, null],
  };
  const states = ['refused', 'started', 'succeeded', 'failed', 'unknown'] as const;
  for (const before of targetStates) {
    for (const [at, state] of states.entries()) {
      const change = applyPartReceipt(of({ state: before }), receipt(state), 5);
      assert.equal(stateOf(change), expected[before][at], `${before} ${state}`);
      const ended = applyPartReceipt(of({ state: before, receipted: true }), receipt(state), 5);
      assert.equal(ended, null, `${before}, ended by a receipt, ${state}`);
    }
  }
  assert.equal(applyPartReceipt(of({}), receipt('started', 1), 5), null, 'there is no such part');
});

test('a refusal begins nothing; a deployment ends with its last part, and is open again while one is', () => {
  const refused = applyPartReceipt(of({}), receipt('refused'), 5)!.deployment;
  assert.deepEqual([refused.parts[0]?.startedAt, refused.parts[0]?.endedAt, refused.endedAt], [null, 5, 5]);
  const half = applyPartReceipt(of({}, { target: 'gaming' }), receipt('succeeded'), 5)!.deployment;
  assert.deepEqual([half.parts[0]?.startedAt, half.endedAt], [5, null]);
  const whole = applyPartReceipt(half, receipt('failed', 1), 7)!.deployment;
  assert.equal(whole.endedAt, 7);
  const passed = applyNewer(of({}), new Set(['websvcs']), 5)!.deployment;
  assert.equal(passed.endedAt, 5);
  assert.equal(applyPartReceipt(passed, receipt('started'), 9)!.deployment.endedAt, null);
});

test('progress goes forward, of the relay’s own open parts alone', () => {
  const from = (state: TargetState, phase: 'staged' | 'activated', relay = 'pve2') =>
    stateOf(applyProgress(of({ state, startedAt: 1 }), relay, 0, phase, 5));
  assert.deepEqual(
    targetStates.map((state) => [state, from(state, 'staged'), from(state, 'activated')]),
    [
      ['pending', 'staged', 'activated'],
      ['staged', null, 'activated'],
      ['activated', null, null],
      ['healthy', null, null],
      ['rolled-back', null, null],
      ['failed', null, null],
      ['superseded', null, null],
    ],
  );
  assert.equal(from('pending', 'staged', 'pve1'), null);
  assert.equal(applyProgress(of({}), 'pve2', 1, 'staged', 5), null);
  // A report may be here before the receipt of the start.
  assert.equal(applyProgress(of({}), 'pve2', 0, 'staged', 5)?.parts[0]?.startedAt, 5);
});

test('a newer release passes over what has not begun, and ends what is open once it has begun itself', () => {
  const many = of(
    {},
    { startedAt: 1 },
    { state: 'staged', startedAt: 1 },
    { state: 'healthy', receipted: true, startedAt: 1 },
    { state: 'failed', receipted: true, code: 'guest_missing' },
    { target: 'gaming' },
  );
  const told = (change: DeploymentChange | null) =>
    change?.deployment.parts.map(({ state, code }) => (code === null ? state : `${state} ${code}`));
  const rest = ['healthy', 'failed guest_missing', 'pending'];
  assert.deepEqual(told(applyNewer(many, new Set(['websvcs']), 5)), [
    'superseded superseded',
    'pending',
    'staged',
    ...rest,
  ]);
  assert.deepEqual(told(applyOvertaken(many, 'websvcs', 5)), [
    'superseded superseded',
    'failed interrupted',
    'failed interrupted',
    ...rest,
  ]);
  assert.deepEqual(told(applyDisallowed(many, 5)), [
    'failed trust_changed',
    'pending',
    'staged',
    'healthy',
    'failed guest_missing',
    'failed trust_changed',
  ]);
  assert.equal(applyNewer(many, new Set(['pve1']), 5), null);
});

test('a part is at work from its start to its end, or half an hour at most', () => {
  const half = 30 * 60_000;
  const at = (change: Partial<PartRecord>, now: number) => isAtWork({ ...base, ...change }, now);
  assert.equal(at({}, 0), false);
  assert.equal(at({ startedAt: 0 }, half - 1), true);
  assert.equal(at({ startedAt: 0 }, half), false);
  assert.equal(at({ startedAt: 0, state: 'activated' }, 1), true);
  assert.equal(at({ startedAt: 0, state: 'healthy' }, 1), false);
});

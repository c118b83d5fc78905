import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { stepStates } from '../../../schema/api/orders.ts';
import { receiptStates } from '../../../schema/wire/receipt.ts';
import {
  type Command,
  isActive,
  lastAttempt,
  nextStepState,
  type StepEvent,
  type StepRecord,
  stateOfSteps,
  stepTransitions,
} from '../../../src/domain/command.ts';
import {
  applyExpiry,
  applyReceipt,
  applyTrustChange,
  settle,
  stepsOfRetry,
} from '../../../src/domain/settle.ts';

const digest = `sha256:${'a'.repeat(64)}`;

const stepOf = (index: number, change: Partial<StepRecord> = {}): StepRecord => ({
  intent: digest,
  attempt: 0,
  step: index,
  relay: 'pve2',
  action: 'guest.start',
  target: 'gaming',
  params: {},
  after: index === 0 ? [] : [{ step: index - 1, if: 'succeeded' }],
  state: index === 0 ? 'queued' : 'waiting',
  code: null,
  result: null,
  receipted: false,
  queuedAt: index === 0 ? 0 : null,
  sentAt: null,
  startedAt: null,
  endedAt: null,
  ...change,
});

const commandOf = (steps: readonly StepRecord[], change: Partial<Command> = {}): Command => ({
  id: 'cmd_1',
  order: { action: 'guest.start', target: 'gaming', params: {} },
  state: 'running',
  code: null,
  principal: 'token:phone',
  createdAt: 0,
  endedAt: null,
  dueAt: 1_060_000,
  revision: 1,
  intents: [{ digest, attempt: 0, signer: 'controller', issuedAt: 0, expires: 1_000_000 }],
  steps,
  ...change,
});

const receiptOf = (step: number, state: (typeof receiptStates)[number], code: string | null = null) => ({
  home: 'h_01ARZ3NDEKTSV4RRFFQ69G5FAV',
  relay: 'pve2',
  seq: 1,
  previous: digest,
  intent: digest,
  step,
  action: 'guest.start',
  target: 'gaming',
  state,
  code,
  result: null,
  time: 0,
  boot: 'boot',
});

describe('transitions of a step', () => {
  const events: readonly StepEvent[] = ['ready', 'unmet', 'leased', 'expiry', 'disallowed', ...receiptStates];
  test('a receipted end is final', () => {
    for (const state of ['refused', 'succeeded', 'failed', 'unknown'] as const) {
      for (const event of events) assert.equal(nextStepState({ state, receipted: true }, event), null);
    }
  });
  test('a started step ends by its receipt alone', () => {
    for (const event of events) {
      const next = nextStepState({ state: 'started', receipted: true }, event);
      assert.equal(next !== null, ['succeeded', 'failed', 'unknown'].includes(event), event);
    }
  });
  test('every state has its row, and leads to states', () => {
    assert.deepEqual(Object.keys(stepTransitions).sort(), [...stepStates].sort());
    for (const row of Object.values(stepTransitions)) {
      for (const next of Object.values(row)) assert.ok(stepStates.includes(next));
    }
  });
});

test('the command’s state is that of the worst end', () => {
  const cases: readonly [readonly StepRecord['state'][], string][] = [
    [['succeeded', 'succeeded'], 'succeeded'],
    [['succeeded', 'started'], 'running'],
    [['failed', 'waiting'], 'running'],
    [['failed', 'skipped'], 'failed'],
    [['refused', 'skipped'], 'refused'],
    [['unknown', 'failed'], 'unknown'],
    [['expired', 'skipped'], 'expired'],
    [['failed', 'succeeded'], 'failed'],
  ];
  for (const [states, expected] of cases) {
    const steps = states.map((state, index) => stepOf(index, { state }));
    assert.equal(stateOfSteps(steps).state, expected, states.join(' '));
  }
  const partly = [stepOf(0, { state: 'succeeded', startedAt: 1 }), stepOf(1, { state: 'expired' })];
  assert.equal(stateOfSteps(partly).state, 'failed', 'part of it was done');
});

test('what follows a step that was skipped or expired is skipped too', () => {
  const command = commandOf([stepOf(0), stepOf(1), stepOf(2, { after: [{ step: 1, if: 'ended' }] })]);
  const change = applyReceipt(command, receiptOf(0, 'failed', 'agent_silent'), 5, true);
  assert.deepEqual(
    change?.command.steps.map((step) => step.state),
    ['failed', 'skipped', 'skipped'],
  );
  assert.deepEqual(
    [change?.command.state, change?.command.code, change?.release],
    ['failed', 'agent_silent', true],
  );
  const expired = applyExpiry(command, 1_060_000);
  assert.deepEqual(
    expired?.command.steps.map((step) => step.state),
    ['expired', 'expired', 'expired'],
  );
  assert.equal(expired?.command.state, 'expired');
});

test('a further attempt leaves out what succeeded, and renumbers', () => {
  const wake = { action: 'host.wake', target: 'pve2', relay: 'pve1' };
  const steps = [
    stepOf(0, { state: 'succeeded', receipted: true }),
    stepOf(1, { ...wake, state: 'started', receipted: true }),
    stepOf(2, {
      after: [
        { step: 0, if: 'succeeded' },
        { step: 1, if: 'succeeded' },
      ],
    }),
  ];
  const failed = { ...receiptOf(1, 'failed', 'host_did_not_wake'), relay: 'pve1' };
  const change = applyReceipt(commandOf(steps), failed, 5, true);
  assert.deepEqual([change?.retry, change?.command.state, change?.release], [true, 'running', false]);
  assert.deepEqual(
    stepsOfRetry(change!.command).map(({ action, after }) => [action, after]),
    [
      ['host.wake', []],
      ['guest.start', [{ step: 0, if: 'succeeded' }]],
    ],
  );
  const byOperator = commandOf(steps, {
    intents: [{ digest, attempt: 0, signer: 'operator', issuedAt: 0, expires: 1_000_000 }],
  });
  assert.equal(applyReceipt(byOperator, failed, 5, true)?.command.state, 'failed');
  assert.equal(applyReceipt(commandOf(steps), failed, 5, false)?.command.state, 'failed');
});

test('whatever receipts come in whatever order, a command ends once and only moves on', () => {
  const event = fc.oneof(
    fc.record({
      kind: fc.constant('receipt' as const),
      step: fc.nat(3),
      state: fc.constantFrom(...receiptStates),
    }),
    fc.record({ kind: fc.constant('expiry' as const) }),
    fc.record({ kind: fc.constant('trust' as const) }),
  );
  const condition = fc.constantFrom('succeeded' as const, 'ended' as const);
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 20 }),
      fc.array(condition, { minLength: 3, maxLength: 3 }),
      (events, conditions) => {
        let command = commandOf([
          stepOf(0),
          ...conditions.map((one, index) => stepOf(index + 1, { after: [{ step: index, if: one }] })),
        ]);
        let released = 0;
        let now = 1;
        for (const one of events) {
          now += 1;
          if (one.kind === 'expiry') now = Math.max(now, 1_060_000);
          const change =
            one.kind === 'receipt'
              ? applyReceipt(command, receiptOf(one.step, one.state, 'code'), now, true)
              : one.kind === 'expiry'
                ? applyExpiry(command, now)
                : applyTrustChange(command, now);
          if (change === null) continue;
          const before = command;
          command = change.command;
          released += change.release ? 1 : 0;
          assert.ok(before.state === 'running' || command.state !== 'running', 'it never runs again');
          assert.equal(command.state === 'running', command.endedAt === null);
          for (const [index, step] of command.steps.entries()) {
            const was = before.steps[index]!;
            if (was.receipted && was.state !== 'started') assert.equal(step, was, 'a receipted end stays');
            if (step.state === 'queued' && was.state !== 'queued') {
              for (const after of step.after) {
                const needed = command.steps[after.step]!;
                assert.ok(needed.receipted && !isActive(needed), 'a step follows receipted ends alone');
                if (after.if === 'succeeded') assert.equal(needed.state, 'succeeded');
              }
            }
          }
          const active = lastAttempt(command).some(isActive);
          if (command.state === 'running')
            assert.ok(active && command.dueAt !== null, 'what runs is due some time');
          else assert.equal(command.dueAt, null);
          if (!active) assert.notEqual(command.state, 'unconfirmed');
        }
        assert.equal(released, command.state === 'running' ? 0 : 1, 'locks are let go once');
        assert.deepEqual(settle(command, [], now).steps, [], 'nothing is left to conclude');
      },
    ),
    { numRuns: 3000 },
  );
});

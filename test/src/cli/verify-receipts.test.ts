import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { CommandView } from '../../../schema/api/orders.ts';
import { outcomeOf, proveCommand, verifiedReceipts } from '../../../src/cli/verify-receipts.ts';
import { type Fixture, makeFixture, now, receiptBy } from './home-fixture.ts';

let home: Fixture;
before(async () => {
  home = await makeFixture();
});

const intent = `sha256:${'1'.repeat(64)}`;
const expected = { relay: 'pve2', action: 'guest.start', target: 'gaming' };

test('a receipt by the relay that trust names is the outcome', async () => {
  const receipts = await verifiedReceipts(home.trust, [
    await receiptBy(home.relays.pve2, { state: 'started', result: null }),
    await receiptBy(home.relays.pve2, { seq: 2 }),
  ]);
  assert.equal(receipts.length, 2);
  assert.equal(outcomeOf(receipts, intent, 0, expected)?.state, 'succeeded');
});

test('what the controller, another relay or another home signed proves nothing', async () => {
  const texts = await Promise.all([
    receiptBy(home.controller, {}),
    receiptBy(home.operator, {}),
    receiptBy(home.relays.pve1, {}),
    receiptBy(home.relays.pve2, { home: 'h_01JD8Q3S5T7V9W0X1Y2Z3A4B5D' }),
    Promise.resolve('a.b.c'),
  ]);
  assert.deepEqual(await verifiedReceipts(home.trust, texts), []);
});

test('a true receipt of something else is not the outcome', async () => {
  const others = [
    { intent: `sha256:${'2'.repeat(64)}` },
    { step: 1 },
    { action: 'guest.resume' },
    { target: 'devtop' },
    { state: 'started', result: null } as const,
    { result: { everything: 'fine' } },
  ];
  for (const other of others) {
    const receipts = await verifiedReceipts(home.trust, [await receiptBy(home.relays.pve2, other)]);
    assert.equal(receipts.length, 1);
    assert.equal(outcomeOf(receipts, intent, 0, expected), null, JSON.stringify(other));
  }
});

test('a relay that signed two different ends is not believed', async () => {
  const receipts = await verifiedReceipts(home.trust, [
    await receiptBy(home.relays.pve2, {}),
    await receiptBy(home.relays.pve2, { seq: 2, state: 'failed', code: 'agent_silent', result: null }),
  ]);
  assert.equal(outcomeOf(receipts, intent, 0, expected), null);
});

const view = (
  state: CommandView['steps'][number]['state'],
  receipts: string[],
  more: Partial<CommandView> = {},
): CommandView => ({
  id: 'cmd_01JD8Q3S5T7V9W0X1Y2Z3A4B5C',
  order: { runbook: 'start-gaming' },
  state: 'succeeded',
  code: null,
  sentence: 'Gaming is running.',
  principal: 'token:phone',
  created_at: now,
  ended_at: now,
  intents: [intent],
  steps: [
    {
      attempt: 0,
      step: 0,
      relay: 'pve2',
      action: 'guest.start',
      target: 'gaming',
      state,
      code: null,
      result: null,
      started_at: now,
      ended_at: now,
    },
  ],
  receipts,
  ...more,
});

test('a success that no relay signed is found out', async () => {
  const signed = await receiptBy(home.relays.pve2, {});
  assert.deepEqual((await proveCommand(home.trust, view('succeeded', [signed]))).unproven, []);
  assert.equal((await proveCommand(home.trust, view('succeeded', []))).unproven.length, 1);
  const failed = await receiptBy(home.relays.pve2, { state: 'failed', code: 'agent_silent', result: null });
  assert.equal((await proveCommand(home.trust, view('succeeded', [failed]))).unproven.length, 1);
  assert.equal((await proveCommand(home.trust, view('skipped', [signed]))).unproven.length, 1);
  const ended = view('skipped', [], { state: 'failed' });
  assert.deepEqual((await proveCommand(home.trust, ended)).unproven, []);
});

test('a command has not succeeded while its steps have not, or without what was ordered', async () => {
  const signed = await receiptBy(home.relays.pve2, {});
  for (const state of ['waiting', 'queued', 'sent', 'started', 'skipped', 'expired', 'refused'] as const) {
    assert.equal((await proveCommand(home.trust, view(state, []))).unproven.length, 1, state);
  }
  assert.equal((await proveCommand(home.trust, view('succeeded', [signed]))).leavesOut, false);
  assert.equal((await proveCommand(home.trust, view('succeeded', [signed], { steps: [] }))).leavesOut, true);
  const order = { action: 'guest.shutdown', target: 'devtop', params: {} };
  assert.equal((await proveCommand(home.trust, view('succeeded', [signed], { order }))).leavesOut, true);
});

test('which relay does a step is not the control plane’s to say', async () => {
  const signed = await receiptBy(home.relays.cloud, { relay: 'cloud' });
  const said = view('succeeded', [signed]);
  const lie = { ...said, steps: said.steps.map((one) => ({ ...one, relay: 'cloud' })) };
  assert.equal((await proveCommand(home.trust, lie)).unproven.length, 1);
});

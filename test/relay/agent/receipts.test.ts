import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { checkAfter, readOwnReceipt, signReceipt } from '../../../relay/agent/receipts.ts';
import { emptyHead, nextHead } from '../../../schema/chain/chain.ts';
import { digestOf } from '../../../schema/jose/digest.ts';
import { acceptKey, generateKey, type SigningKey } from '../../../schema/jose/keys.ts';
import { keyOf } from '../../../schema/trust/evaluate.ts';
import type { After, Step } from '../../../schema/wire/intent.ts';
import { maxReceiptBytes } from '../../../schema/wire/limits.ts';
import type { Receipt } from '../../../schema/wire/receipt.ts';
import type { TestIntent } from '../../support/relay-home.ts';
import { type Bench, nowMs, openBench } from './judge-fixture.ts';

const readReceipt = (jws: string): Receipt =>
  JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString()) as Receipt;

let bench: Bench;
/** Two wakes on pve1, and a start on pve2 that comes after. */
let intent: TestIntent;

const wake: Partial<Step> = { relay: 'pve1', action: 'host.wake', target: 'pve2' };

before(async () => {
  bench = await openBench();
  intent = await bench.home.intent([wake, wake, {}], { issuedAt: nowMs });
});

const check = async (after: readonly After[], ...receipts: readonly string[]) =>
  checkAfter(bench.home.trust(), { intent: intent.intent, digest: intent.digest, after }, receipts);
const unmet = (steps: string) => ({
  ok: false,
  reason: 'after_unmet',
  detail: `no fitting receipt of step ${steps}`,
});
const met = { ok: true, value: true };
const succeeded: After = { step: 0, if: 'succeeded' };
const ended: After = { step: 0, if: 'ended' };

describe('steps that come after others', () => {
  test('one that comes after none needs no receipt', async () => {
    assert.deepEqual(await check([]), met);
    assert.deepEqual(await check([], 'nonsense'), met);
  });

  test('threat 9: each step that it comes after needs a receipt of its own', async () => {
    const both: After[] = [succeeded, { step: 1, if: 'ended' }];
    const [first, second] = [await bench.receipt(intent, 0), await bench.receipt(intent, 1)];
    assert.deepEqual(await check([succeeded]), unmet('0'));
    assert.deepEqual(await check([succeeded], first), met);
    assert.deepEqual(await check(both), unmet('0, 1'));
    assert.deepEqual(await check(both, first), unmet('1'));
    assert.deepEqual(await check(both, second), unmet('0'));
    assert.deepEqual(await check(both, second, first), met);
    assert.deepEqual(await check(both, first, first), unmet('1'));
  });

  test('succeeded is met by success alone, ended by any final state', async () => {
    for (const [state, bySuccess, byEnd] of [
      ['succeeded', true, true],
      ['failed', false, true],
      ['unknown', false, true],
      ['refused', false, true],
      ['started', false, false],
    ] as const) {
      const receipt = await bench.receipt(intent, 0, { state });
      assert.equal((await check([succeeded], receipt)).ok, bySuccess, state);
      assert.equal((await check([ended], receipt)).ok, byEnd, state);
    }
  });

  test('threat 9: forged and foreign receipts count for nothing, and do not hide a good one', async () => {
    const { home } = bench;
    const twin = await home.intent([wake, wake, {}], { issuedAt: nowMs });
    const bad = {
      'of another home': await bench.receipt(intent, 0, { home: `h_${'0'.repeat(26)}` }),
      'of another intent': await bench.receipt(twin, 0),
      'of another relay, by its key': await bench.receipt(
        intent,
        0,
        { relay: 'pve2' },
        home.relays.pve2!.signing,
      ),
      'by the key of another relay': await bench.receipt(intent, 0, {}, home.relays.pve2!.signing),
      'in the name of another relay': await bench.receipt(intent, 0, { relay: 'pve2' }),
      'by the controller': await bench.receipt(intent, 0, {}, home.controller),
      'by nobody': await bench.receipt(intent, 0, {}, (await generateKey()).signing),
      'of another action': await bench.receipt(intent, 0, { action: 'host.reboot' }),
      'of another target': await bench.receipt(intent, 0, { target: 'pve1' }),
      'of a step that there is not': await bench.receipt(intent, 0, { step: 40 }),
      'no receipt': 'a.b.c',
      'too long': 'a'.repeat(maxReceiptBytes + 1),
    };
    for (const [name, receipt] of Object.entries(bad)) {
      assert.deepEqual(await check([ended], receipt), unmet('0'), name);
    }
    const good = await bench.receipt(intent, 0);
    assert.deepEqual(await check([ended], ...Object.values(bad), good), met);
    assert.deepEqual(await check([ended], good, ...Object.values(bad)), met);
  });
});

describe('receipts of its own', () => {
  const words = (): Omit<Receipt, 'seq' | 'previous'> => ({
    home: bench.home.id,
    relay: 'pve2',
    intent: intent.digest,
    step: 2,
    action: 'guest.start',
    target: 'gaming',
    state: 'started',
    code: null,
    result: null,
    time: nowMs,
    boot: 'boot-1',
  });
  const keyOfRelay = (name: string): SigningKey => bench.home.relays[name]!.signing;

  test('threat 13: a receipt carries its number and the hash of the one before', async () => {
    const empty = await emptyHead('receipt');
    const first = await signReceipt(empty, words(), keyOfRelay('pve2'));
    assert.deepEqual(readReceipt(first.jws), { ...words(), seq: 1, previous: empty.hash });
    assert.deepEqual(first, {
      k: 'receipt',
      seq: 1,
      jws: first.jws,
      hash: await digestOf('receipt', first.jws),
    });
    const head = await nextHead('receipt', empty, first.jws);
    const second = await signReceipt(head, words(), keyOfRelay('pve2'));
    assert.deepEqual(readReceipt(second.jws), { ...words(), seq: 2, previous: first.hash });
  });

  test('threat 3: only what its own key signed of its own home and name is its own word', async () => {
    const key = keyOfRelay('pve2');
    const own = { home: bench.home.id, relay: 'pve2', key };
    const find = keyOf(bench.home.trust(), 'relay');
    const read = (text: string) => readOwnReceipt(text, own, find);
    const mine = (await signReceipt(await emptyHead('receipt'), words(), key)).jws;
    assert.deepEqual(await read(mine), readReceipt(mine));
    assert.equal(await read(await bench.receipt(intent, 2, {}, keyOfRelay('pve1'))), null);
    assert.equal(await read(await bench.receipt(intent, 2, { relay: 'pve1' }, key)), null);
    assert.equal(await read(await bench.receipt(intent, 2, { home: `h_${'0'.repeat(26)}` }, key)), null);
    assert.equal(await read(`${mine.slice(0, -86)}${'A'.repeat(86)}`), null);
    assert.equal(await read('a'.repeat(maxReceiptBytes + 1)), null);
    // Found under its own thumbprint or not at all.
    assert.equal(await readOwnReceipt(mine, own, () => undefined), null);
    const other = await acceptKey(keyOfRelay('pve1').jwk);
    assert.ok(other.ok);
    assert.equal(await readOwnReceipt(mine, own, () => other.value), null);
  });
});

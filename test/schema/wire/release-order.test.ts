import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBytes } from '../../../schema/jose/digest.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import { compareOrders, maxOrderedParts, parseReleaseOrder } from '../../../schema/wire/release-order.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const part = (target: string) => ({ relay: 'pve1', target, digest });
const order = {
  v: 1,
  home: 'h_01M8426D4ABARQSN8Z9XAREBB8',
  release: digest,
  commit: 'f'.repeat(40),
  order: { run_id: 0, run_attempt: 0, desk: 1 },
  issued_at: 1_790_000_000_000,
  parts: [part('a'), part('b')],
};
const parse = (value: unknown) => parseReleaseOrder(toBytes(canonicalJson(value)));

test('an order that is none is told what is wrong with it', () => {
  const refused = (detail: string) => ({ ok: false, reason: 'release_malformed', detail });
  assert.deepEqual(parse({ ...order, v: 2 }), refused('v: expected 1'));
  const twice = { ...order, parts: [part('a'), part('a')] };
  assert.deepEqual(parse(twice), refused('its parts are not sorted by target, each once'));
});

test('an order is read as it is written', () => {
  const read = parse(order);
  assert.ok(read.ok);
  assert.deepEqual(read.value, order);
  assert.ok(parse({ ...order, commit: null }).ok);
  assert.ok(parse({ ...order, commit: 'f'.repeat(64) }).ok);
});

test('threat 6: what is not sorted, twice, unknown or of another shape is no order', () => {
  const bad: readonly unknown[] = [
    { ...order, parts: [] },
    { ...order, parts: [part('b'), part('a')] },
    { ...order, parts: [part('a'), part('a')] },
    {
      ...order,
      parts: Array.from({ length: maxOrderedParts + 1 }, (_, i) => part(`t${String(i).padStart(3, '0')}`)),
    },
    { ...order, commit: 'main' },
    { ...order, issued_at: -1 },
    { ...order, parts: [{ ...part('a'), again: false }] },
    { ...order, commit: 'f'.repeat(41) },
    { ...order, order: { run_id: 1, run_attempt: 1 } },
    { ...order, order: { ...order.order, desk: -1 } },
    { ...order, release: 'sha256:x' },
    { ...order, more: 1 },
    { ...order, v: 2 },
  ];
  for (const one of bad) {
    const read = parse(one);
    assert.equal(!read.ok && read.reason, 'release_malformed', JSON.stringify(one).slice(0, 200));
  }
});

test('threat 3: run, attempt and desk order releases, in this rank', () => {
  const of = (run_id: number, run_attempt: number, desk: number) => ({ run_id, run_attempt, desk });
  const ascending = [
    of(0, 0, 0),
    of(0, 0, 1),
    of(0, 0, 2),
    of(5, 1, 0),
    of(5, 1, 3),
    of(5, 2, 0),
    of(6, 1, 0),
  ];
  for (const [i, a] of ascending.entries()) {
    for (const [j, b] of ascending.entries()) assert.equal(Math.sign(compareOrders(a, b)), Math.sign(i - j));
  }
});

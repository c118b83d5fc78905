import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Intent, parseIntent, type Step } from '../../../schema/wire/intent.ts';
import { maxIntentBytes, maxIntentLifetimeMs } from '../../../schema/wire/limits.ts';

const step: Step = { relay: 'pve2', action: 'guest.start', target: 'gaming', params: {}, after: [] };
const intent: Intent = {
  home: 'h_01JDZ0000000000000000000HM',
  steps: [step],
  nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
  issued_at: 1_763_800_000_000,
  expires: 1_763_800_900_000,
};
const bytesOf = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const isAccepted = (value: unknown): boolean => parseIntent(bytesOf(value)).ok;
const after = (...steps: number[]) => steps.map((index) => ({ step: index, if: 'succeeded' as const }));

describe('intents', () => {
  test('come out as they were written', () => {
    const steps = [step, { ...step, params: { timeout_s: 20, list: [{ a: null }] }, after: after(0) }];
    const parsed = parseIntent(bytesOf({ ...intent, steps }));
    assert.deepEqual(parsed, { ok: true, value: { ...intent, steps } });
  });

  test('have 1 to 64 steps', () => {
    for (const [count, accepted] of [
      [0, false],
      [1, true],
      [64, true],
      [65, false],
    ] as const) {
      assert.equal(isAccepted({ ...intent, steps: Array(count).fill(step) }), accepted, `${count} steps`);
    }
  });

  test('live more than nothing and 12 hours at most', () => {
    for (const [lifetimeMs, accepted] of [
      [-1, false],
      [0, false],
      [1, true],
      [maxIntentLifetimeMs, true],
      [maxIntentLifetimeMs + 1, false],
      [1.5, false],
    ] as const) {
      const expires = intent.issued_at + lifetimeMs;
      assert.equal(isAccepted({ ...intent, expires }), accepted, `${lifetimeMs} ms`);
    }
    assert.equal(maxIntentLifetimeMs, 12 * 3_600_000);
  });

  test('threat 9: a step comes after earlier steps alone, each named once', () => {
    for (const [lists, accepted] of [
      [[[], [0], [0, 1]], true],
      [[[0]], false],
      [[[], [1]], false],
      [[[1], [0]], false],
      [[[], [2], [1]], false],
      [[[], [0, 0]], false],
      [[[], [-1]], false],
      [[[], [0.5]], false],
      [[[], [64]], false],
    ] as const) {
      const steps = lists.map((list) => ({ ...step, after: after(...list) }));
      assert.equal(isAccepted({ ...intent, steps }), accepted, JSON.stringify(lists));
    }
    const mixed = [
      { step: 0, if: 'succeeded' },
      { step: 0, if: 'ended' },
    ];
    assert.equal(
      isAccepted({ ...intent, steps: [step, { ...step, after: mixed }] }),
      false,
      'two conditions on one',
    );
  });

  test('threat 9: no accepted intent has a ring of steps', () => {
    const list = fc.array(fc.nat(7), { maxLength: 3 });
    fc.assert(
      fc.property(fc.array(list, { minLength: 1, maxLength: 8 }), (lists) => {
        const steps = lists.map((named) => ({ ...step, after: after(...named) }));
        const inOrder = lists.every((named, index) => named.every((earlier) => earlier < index));
        const once = lists.every((named) => new Set(named).size === named.length);
        assert.equal(isAccepted({ ...intent, steps }), inOrder && once);
      }),
    );
  });

  test('threat 18: a member that is missing, of another type or not known is refused', () => {
    const odd = [undefined, null, '', 0, -1, 1.5, 1e300, true, [], {}, ['x'], { a: 1 }];
    for (const member of Object.keys(intent)) {
      for (const value of odd) {
        assert.equal(
          isAccepted({ ...intent, [member]: value }),
          false,
          `${member}: ${JSON.stringify(value)}`,
        );
      }
    }
    for (const member of Object.keys(step)) {
      for (const value of odd) {
        const fits =
          (member === 'params' && typeof value === 'object' && value !== null && !Array.isArray(value)) ||
          (member === 'after' && Array.isArray(value) && value.length === 0);
        const accepted = isAccepted({ ...intent, steps: [{ ...step, [member]: value }] });
        assert.equal(accepted, fits, `${member}: ${JSON.stringify(value)}`);
      }
    }
    assert.equal(isAccepted({ ...intent, forced: true }), false);
    assert.equal(isAccepted({ ...intent, steps: [{ ...step, force: true }] }), false);
    const more = [{ step: 0, if: 'ended', unless: 'failed' }];
    assert.equal(isAccepted({ ...intent, steps: [step, { ...step, after: more }] }), false);
    assert.equal(
      isAccepted({ ...intent, steps: [step, { ...step, after: [{ step: 0, if: 'failed' }] }] }),
      false,
    );
  });

  test('threat 18: bytes that two parsers could read in two ways are refused', () => {
    const text = JSON.stringify(intent);
    for (const other of [
      text.replace('{', '{"home":"h_01JDZ0000000000000000000XX",'),
      text.replace('"params":{}', '"params":{"a":1,"\\u0061":2}'),
      text.replace('"params":{}', '"params":{"__proto__":{}}'),
      text.replace('"params":{}', '"params":{"constructor":1}'),
      text.replace('"target":"gaming"', '"target":"gaming","target":"devtop"'),
      text.replace(/"expires":\d+/, '"expires":1e400'),
      `${text} ${text}`,
      `\ufeff${text}`,
      text.slice(0, -1),
    ]) {
      assert.notEqual(other, text);
      assert.equal(isAccepted(other), false, other);
    }
  });

  test('names, homes, actions and nonces have one form each', () => {
    for (const [member, good, bad] of [
      [
        'target',
        ['a', 'a-1', 'a'.repeat(31)],
        ['', 'A', '1a', '-a', 'a_b', 'a b', 'a/b', 'ä', 'a'.repeat(32), 'a\n', '..'],
      ],
      ['relay', ['pve2'], ['', 'Pve2', '../pve2', '*', '*.pve2', 'constructor', 'prototype']],
      [
        'action',
        ['guest.start', 'guest.shutdown-in-use', 'x.y'],
        ['guest', 'guest.', '.start', 'guest.Start', 'a.b.c', '*', 'guest.*', 'constructor', '__proto__'],
      ],
    ] as const) {
      for (const value of good)
        assert.equal(isAccepted({ ...intent, steps: [{ ...step, [member]: value }] }), true, value);
      for (const value of bad)
        assert.equal(isAccepted({ ...intent, steps: [{ ...step, [member]: value }] }), false, value);
    }
    for (const home of [
      'h_01jdz0000000000000000000hm',
      'h_01JDZ0000000000000000000H',
      'x_01JDZ0000000000000000000HM',
      'h_01JDZ0000000000000000000HU',
      'h_01JDZ0000000000000000000HM ',
    ]) {
      assert.equal(isAccepted({ ...intent, home }), false, home);
    }
    for (const nonce of ['A'.repeat(21), 'A'.repeat(44), `${'A'.repeat(22)}=`, `${'A'.repeat(21)}+`]) {
      assert.equal(isAccepted({ ...intent, nonce }), false, nonce);
    }
  });

  test('threat 7: an intent has its cap', () => {
    const textOf = (length: number): string => {
      const empty = JSON.stringify({ ...intent, steps: [{ ...step, params: { pad: '' } }] });
      return empty.replace('"pad":""', `"pad":"${'x'.repeat(length - empty.length)}"`);
    };
    assert.equal(isAccepted(textOf(maxIntentBytes)), true);
    assert.equal(isAccepted(textOf(maxIntentBytes + 1)), false);
    assert.equal(
      isAccepted(JSON.stringify(intent).replace('{}', `${'{"a":'.repeat(60)}1${'}'.repeat(60)}`)),
      false,
    );
  });
});

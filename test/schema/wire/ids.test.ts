import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { readLimit } from '../../../schema/trust/grant.ts';
import {
  commandIdSchema,
  countSchema,
  homeIdSchema,
  nonceSchema,
  timeSchema,
  ulidOf,
} from '../../../schema/wire/ids.ts';
import * as limits from '../../../schema/wire/limits.ts';
import { oldestProtocolVersion, protocolVersion } from '../../../schema/wire/version.ts';

const home = 'h_01JDZ0000000000000000000HM';
const time = 1_763_800_000_000;

describe('times and counts', () => {
  for (const [name, schema] of [
    ['time', timeSchema],
    ['count', countSchema],
  ] as const) {
    test(`a ${name} is a safe integer from 0`, () => {
      for (const value of [0, 1, time, Number.MAX_SAFE_INTEGER]) assert.ok(v.is(schema, value));
      for (const value of [
        -1,
        0.5,
        Number.MAX_SAFE_INTEGER + 1,
        1e300,
        Number.NaN,
        Infinity,
        '1',
        null,
        1n,
      ]) {
        assert.equal(v.is(schema, value), false, String(value));
      }
    });
  }

  test('limits of grants are read to the millisecond', () => {
    assert.deepEqual(readLimit('6/1h'), { count: 6, windowMs: 3_600_000 });
    assert.deepEqual(readLimit('20/30m'), { count: 20, windowMs: 1_800_000 });
    assert.deepEqual(readLimit('99999/365d'), { count: 99_999, windowMs: 31_536_000_000 });
  });

  test('caps nest: what is embedded fits into what embeds it', () => {
    const base64 = (bytes: number): number => Math.ceil((bytes * 4) / 3);
    assert.ok(base64(limits.maxIntentBytes) + limits.maxAuthorisationBytes < limits.maxJobBytes);
    assert.ok(limits.maxHeartbeatBytes < limits.maxPollAnswerBytes);
    assert.ok(limits.maxReportBytes < limits.maxBodyBytes);
    assert.ok(limits.maxTrustBytes < limits.maxTrustChainBytes);
    assert.ok(limits.pollWaitMs < limits.heartbeatLimitMs);
    assert.ok(limits.intentLifetimeMs < limits.maxIntentLifetimeMs);
    assert.ok(oldestProtocolVersion >= 1 && protocolVersion - oldestProtocolVersion <= 2);
  });
});

describe('ids', () => {
  test('are 26 Crockford characters after their prefix', () => {
    for (const [schema, good] of [
      [homeIdSchema, home],
      [commandIdSchema, 'cmd_01JDZ0000000000000000000CM'],
    ] as const) {
      assert.ok(v.is(schema, good));
      for (const bad of [
        good.toLowerCase(),
        `${good}0`,
        good.slice(0, -1),
        `x${good}`,
        `${good}\n`,
        good.replace('J', 'I'),
        good.replace('J', 'U'),
      ]) {
        assert.equal(v.is(schema, bad), false, bad);
      }
    }
    assert.equal(v.is(homeIdSchema, 'cmd_01JDZ0000000000000000000CM'), false, 'of another kind');
  });

  test('a ULID is 48 bits of time and 80 of chance, and sorts by time', () => {
    // The specification's example: 1469918176385 ms is 01ARYZ6S41
    assert.equal(ulidOf(1_469_918_176_385, new Uint8Array(10)), '01ARYZ6S410000000000000000');
    assert.equal(ulidOf(0, new Uint8Array(10).fill(255)), `${'0'.repeat(10)}${'Z'.repeat(16)}`);
    assert.equal(ulidOf(2 ** 48 - 1, new Uint8Array(10)), '7ZZZZZZZZZ0000000000000000');
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.uint8Array({ minLength: 10, maxLength: 10 }), (a, b, random) => {
        fc.pre(a !== b);
        assert.equal(ulidOf(a, random) < ulidOf(b, random), a < b);
        assert.ok(v.is(homeIdSchema, `h_${ulidOf(a, random)}`));
      }),
    );
  });

  test('nonces hold 16 to 32 bytes', () => {
    assert.ok(v.is(nonceSchema, 'A'.repeat(22)));
    assert.ok(v.is(nonceSchema, 'A'.repeat(43)));
    for (const bad of ['A'.repeat(21), 'A'.repeat(44), `${'A'.repeat(22)}=`, `${'A'.repeat(21)} `]) {
      assert.equal(v.is(nonceSchema, bad), false);
    }
  });
});

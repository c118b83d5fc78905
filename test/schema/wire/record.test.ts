import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { nameSchema } from '../../../schema/wire/ids.ts';
import { recordOf } from '../../../schema/wire/record.ts';

const counts = recordOf(nameSchema, v.number());

test('a record is an object with keys and values of their shapes', () => {
  assert.deepEqual(v.safeParse(counts, { a: 1, 'b-2': 2 }).output, { a: 1, 'b-2': 2 });
  assert.ok(v.is(counts, {}));
  for (const other of [null, undefined, 1, 'text', true, { A: 1 }, { a: '1' }, { '': 1 }]) {
    assert.equal(v.is(counts, other), false, JSON.stringify(other));
  }
});

test('an array is no record, and no key is left out without a word', () => {
  const any = recordOf(v.string(), v.unknown());
  for (const other of [[], ['x'], { constructor: 1 }, { prototype: 1 }, JSON.parse('{"__proto__":1}')]) {
    assert.equal(v.is(any, other), false, JSON.stringify(other));
    assert.equal(v.is(v.optional(any, {}), other), false, JSON.stringify(other));
  }
  assert.ok(v.is(any, { toString: 1, valueOf: 2 }));
});

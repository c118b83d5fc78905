import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ok, refuse } from '../../schema/result.ts';

test('a result is a value, or a reason with or without a sentence', () => {
  assert.deepEqual(ok(7), { ok: true, value: 7 });
  assert.deepEqual(refuse('gone', 'it is gone'), { ok: false, reason: 'gone', detail: 'it is gone' });
  const plain = refuse('gone');
  assert.deepEqual(plain, { ok: false, reason: 'gone' });
  assert.equal('detail' in plain, false);
});

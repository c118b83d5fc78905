import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { principalTextSchema } from '../../../schema/wire/ids.ts';

test('a principal is told as a kind and a name, and nothing else fits in', () => {
  const longest = `token:a${'b'.repeat(30)}`;
  for (const text of ['operator', 'token:phone', 'key:laptop-2', 'github:deploys', 'relay:pve1', longest]) {
    assert.ok(v.is(principalTextSchema, text), text);
  }
  for (const text of [
    ...['', 'controller', 'operator ', ' operator', 'operators', 'xtoken:phone', 'token:phone!', 'token:'],
    ...[
      'token:Phone',
      'token:2',
      'token:a_b',
      'root:paper',
      'token:a\n',
      `${longest}b`,
      'token:phone, start',
    ],
  ]) {
    const read = v.safeParse(principalTextSchema, text);
    assert.equal(read.success, false, text);
    assert.match(read.issues?.[0].message ?? '', /^must be operator, or a kind and a name/);
  }
});

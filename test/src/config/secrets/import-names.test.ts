import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planImport } from '../../../../src/config/secrets/import-plan.ts';

test('a key that an app lists as it is keeps its name, and another becomes one', () => {
  const leaf = (name: string) => ({ path: [name], value: new TextEncoder().encode('x'), clear: true });
  const plan = planImport([leaf('POSTGRES_PASSWORD'), leaf('Other.Key')], {
    maps: [],
    only: [],
    on: [],
    usersOf: (name) => (['POSTGRES_PASSWORD', 'other_key'].includes(name) ? ['secsvcs'] : []),
  });
  assert.ok(plan.ok);
  assert.deepEqual(
    plan.incoming.map(({ name }) => name),
    ['POSTGRES_PASSWORD', 'other_key'],
  );
});

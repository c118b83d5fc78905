import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from './random.ts';
import { fuzzInChild } from './watch.ts';

const run = (target: string, seconds = 20) =>
  fuzzInChild(target, {
    ...{ seed: 5, seconds, child: './broken-child.ts' },
    ...(target === 'hangs' && { hangMs: 3_000 }),
  });

test('a reader that does as it should passes', async () => {
  const { fault, inputs } = await run('fine', 1);
  assert.equal(fault, null, fault?.detail);
  assert.ok(inputs > 20, `${inputs} inputs`);
});

for (const [target, kind] of [
  ['throws', 'threw'],
  ['rejects', 'threw'],
  ['undeclared', 'undeclared'],
  ['slow', 'slow'],
  ['hangs', 'hung'],
  ['exhausts', 'died'],
  ['exits', 'died'],
] as const) {
  test(`a reader that ${target} is found, with its input`, async () => {
    const { fault } = await run(target);
    assert.equal(fault?.kind, kind, fault?.detail);
    assert.ok(fault.input !== null && fault.input.length > 0);
  });
}

test('a reader that keeps what it read is found', async () => {
  const { fault } = await run('hoards', 8);
  assert.ok(fault?.kind === 'grew' || fault?.kind === 'died', fault?.kind);
});

test('equal seeds give equal numbers', () => {
  const some = (seed: number): number[] => {
    const random = createRandom(seed);
    return Array.from({ length: 20 }, () => random.below(1_000));
  };
  assert.deepEqual(some(3), some(3));
  assert.notDeepEqual(some(3), some(4));
});

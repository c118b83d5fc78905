import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryOf } from '../../../src/store/memory.ts';

const owned = { isOwned: true };

/** A value that tests set, and how often it was read. */
function source<T>(first: T) {
  const made = {
    value: first,
    reads: 0,
    read: async (): Promise<T> => {
      made.reads += 1;
      return made.value;
    },
  };
  return made;
}

test('what is kept is read once, until it is forgotten', async () => {
  const of = source(1);
  const memory = memoryOf(owned, of.read);
  assert.deepEqual([await memory.get(), await memory.get(), of.reads], [1, 1, 1]);
  of.value = 2;
  memory.forget();
  assert.deepEqual([await memory.get(), await memory.get(), of.reads], [2, 2, 2]);
});

test('nothing is kept of what others may change, nor of what is not there', async () => {
  const shared = source(1);
  const ofShared = memoryOf({ isOwned: false }, shared.read);
  await ofShared.get();
  shared.value = 2;
  assert.equal(await ofShared.get(), 2);

  const none = source<string | null>(null);
  const ofNone = memoryOf(owned, none.read);
  assert.equal(await ofNone.get(), null);
  none.value = 'here';
  assert.equal(await ofNone.get(), 'here');
});

test('what was read before a change is not kept after it', async () => {
  const arrived = Promise.withResolvers<number>();
  const values = [arrived.promise, Promise.resolve(2)];
  const memory = memoryOf(owned, () => values.shift() ?? assert.fail('read too often'));
  const early = memory.get();
  memory.forget();
  arrived.resolve(1);
  assert.equal(await early, 1);
  assert.deepEqual([await memory.get(), await memory.get()], [2, 2]);
});

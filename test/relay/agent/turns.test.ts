import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diskFault } from '../../../relay/agent/disk.ts';
import { createTurns } from '../../../relay/agent/turns.ts';

test('tasks run one after the other, also after one that failed', async () => {
  const inTurn = createTurns();
  const seen: string[] = [];
  let release = (): void => undefined;
  const first = inTurn(async () => {
    seen.push('first');
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    seen.push('first ends');
    return 1;
  });
  const failing = inTurn(async () => {
    seen.push('second');
    throw new Error('second fails');
  });
  const third = inTurn(async () => {
    seen.push('third');
    return 3;
  });
  await new Promise(setImmediate);
  assert.deepEqual(seen, ['first'], 'the others wait');
  release();
  assert.equal(await first, 1);
  await assert.rejects(failing, /second fails/);
  assert.equal(await third, 3);
  assert.deepEqual(seen, ['first', 'first ends', 'second', 'third']);
});

test('a fault of the disk is the word of the system, or just a fault', () => {
  assert.equal(diskFault(Object.assign(new Error('full'), { code: 'ENOSPC' })), 'ENOSPC');
  assert.equal(diskFault({ code: 'E'.repeat(33) }), 'E'.repeat(32));
  for (const other of [new Error('plain'), null, undefined, 'ENOSPC', { code: 28 }]) {
    assert.equal(diskFault(other), 'fault');
  }
});

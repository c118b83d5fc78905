import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { watchStage } from './watch.ts';

const event = (type: string, name: string, file: string): TestEvent =>
  ({ type, data: { name, file, nesting: 0 } }) as TestEvent;

test('a stage of which nothing is heard is given up, and the files at work are named', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let given = 0;
  const watch = watchStage(1000, () => {
    given += 1;
  });
  watch.saw(event('test:dequeue', '/a.test.ts', '/a.test.ts'));
  watch.saw(event('test:dequeue', '/b.test.ts', '/b.test.ts'));
  t.mock.timers.tick(900);
  watch.saw(event('test:pass', 'a test', '/a.test.ts'));
  watch.saw(event('test:complete', '/a.test.ts', '/a.test.ts'));
  t.mock.timers.tick(999);
  assert.equal(given, 0);
  assert.deepEqual(watch.hung(), []);
  t.mock.timers.tick(1);
  assert.equal(given, 1);
  assert.deepEqual(watch.hung(), ['/b.test.ts']);
});

test('a stage that ended is not given up', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const watch = watchStage(1000, () => assert.fail('it ended'));
  watch.saw(event('test:dequeue', '/a.test.ts', '/a.test.ts'));
  watch.stop();
  t.mock.timers.tick(5000);
  assert.deepEqual(watch.hung(), []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stagesOf } from './files.ts';

const files = [
  'test/relay/agent/poll.test.ts',
  'test/schema/jose/jws.test.ts',
  'test/adversary/story.test.ts',
  'test/domain/plan.test.ts',
  'test/lab/headscale.test.ts',
  'test/relay/actions/wake.test.ts',
  'test/architecture/rules.test.ts',
];

test('files run by folder, in the order of who stands on whom, the lab apart', () => {
  assert.deepEqual(stagesOf(files, null), [
    { name: 'architecture', files: ['test/architecture/rules.test.ts'] },
    { name: 'schema', files: ['test/schema/jose/jws.test.ts'] },
    { name: 'domain', files: ['test/domain/plan.test.ts'] },
    { name: 'relay', files: ['test/relay/actions/wake.test.ts', 'test/relay/agent/poll.test.ts'] },
    { name: 'adversary', files: ['test/adversary/story.test.ts'] },
  ]);
});

test('a folder can be asked for by its name at any depth, and single files by their path', () => {
  assert.deepEqual(stagesOf(files, 'actions'), [
    { name: 'relay', files: ['test/relay/actions/wake.test.ts'] },
  ]);
  assert.deepEqual(stagesOf(files, 'lab'), [{ name: 'lab', files: ['test/lab/headscale.test.ts'] }]);
  assert.deepEqual(stagesOf(files, 'nowhere'), []);
  assert.deepEqual(stagesOf(files, ['test/domain/plan.test.ts']), [
    { name: 'domain', files: ['test/domain/plan.test.ts'] },
  ]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startActionHome } from '../support/action-home.ts';

test('a push deploys: the step succeeds on what the relay signed', async (t) => {
  const scene = await startActionHome(t);
  const made = await scene.build();
  const ran = await scene.deploy(made);
  assert.equal(ran.exit, 0, ran.log);
  assert.match(ran.summary, /### Writ: deployed[\s\S]*\| `websvcs` \| It is healthy\. \|/);
  assert.deepEqual(ran.errors, []);
});

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ActivateResult, Activation } from '../../relay/deploy/activate.ts';
import { createTargetLook } from '../../relay/deploy/look-target.ts';
import { agentHome } from '../support/lab/agent-home.ts';
import { type AgentTarget, startAgentTarget } from '../support/lab/agent-target.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { releaseOf } from '../support/lab/target-home.ts';
import { whyNoVm } from '../support/lab/vm-root.ts';
import { missing } from '../support/missing.ts';

function succeeded(activation: Activation): ActivateResult {
  assert.equal(activation.state, 'succeeded', JSON.stringify(activation));
  return activation.result;
}

const lacking = whyNoLab() ?? whyNoVm();
if (lacking !== null) missing(lacking);
else
  describe('activation of a virtual machine by its guest agent', () => {
    let target: AgentTarget;
    before(async () => {
      target = await startAgentTarget();
    });
    after(() => target?.close());

    const runOf = async (name: string): Promise<string> =>
      target.must(['systemctl', 'show', '-p', 'InvocationID', name]);

    test('from nothing to healthy', async (t) => {
      const release = await releaseOf(agentHome);
      const done = await target.count(() => target.activate(release));
      assert.equal(succeeded(done.value).started, 3);
      t.diagnostic(`${done.programs} programs, ${done.ms} ms`);
      assert.equal(await target.must(['cat', '/etc/opt/web/index.html']), 'one\n');
      assert.match(await target.must(['systemctl', 'is-enabled', 'plain.service']), /^enabled/);
    });

    test('the same again, and a look, are one program that writes nothing', async (t) => {
      const stateOf = () => target.must(['stat', '-c', '%i %Y', '/var/lib/writ-target/state.json']);
      const [state, release] = [await stateOf(), await releaseOf(agentHome)];
      const again = await target.count(() => target.activate(release));
      assert.deepEqual([succeeded(again.value).already, again.programs], [true, 1]);
      const look = createTargetLook(target.machine);
      await look();
      const seen = await target.count(look);
      assert.ok(seen.value.ok);
      assert.deepEqual([seen.value.value.drift, seen.programs], [[], 1]);
      assert.equal(await stateOf(), state);
      t.diagnostic(`again ${again.ms} ms, a look ${seen.ms} ms, with an emulated processor`);
    });

    test('a change of one app restarts that one alone', async (t) => {
      const [web, still, plain] = [await runOf('web'), await runOf('still'), await runOf('plain')];
      const release = await releaseOf(agentHome, { 'apps/plain/plain.conf': 'two\n' });
      const done = await target.count(() => target.activate(release));
      assert.equal(succeeded(done.value).restarted, 1);
      t.diagnostic(`${done.programs} programs, ${done.ms} ms`);
      assert.deepEqual([await runOf('web'), await runOf('still')], [web, still]);
      assert.notEqual(await runOf('plain'), plain);
    });
  });

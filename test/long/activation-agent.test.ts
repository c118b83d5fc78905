import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { revertPending } from '../../relay/deploy/activate.ts';
import { createTargetLook } from '../../relay/deploy/look-target.ts';
import { readTargetState } from '../../relay/deploy/target-state.ts';
import { agentHome } from '../support/lab/agent-home.ts';
import { type AgentTarget, startAgentTarget } from '../support/lab/agent-target.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { releaseOf } from '../support/lab/target-home.ts';
import { whyNoVm } from '../support/lab/vm-root.ts';
import { machineContract } from '../support/machine-contract.ts';
import { missing } from '../support/missing.ts';

const lacking = whyNoLab() ?? whyNoVm();
if (lacking !== null) missing(lacking);
else
  describe('a virtual machine by its guest agent', () => {
    let target: AgentTarget;
    before(async () => {
      target = await startAgentTarget();
    });
    after(() => target?.close());

    machineContract('a virtual machine by its agent', async () => ({
      machine: target.machine,
      folder: (await target.must(['mktemp', '-d'])).trim(),
    }));

    test('a machine that goes in the middle is put back when it is there again', async (t) => {
      const old = await target.activate(await releaseOf(agentHome));
      assert.equal(old.state, 'succeeded', JSON.stringify(old));
      let cut: Promise<void> | undefined;
      const next = await releaseOf(agentHome, { 'apps/plain/plain.conf': 'two\n' });
      const done = await target.activate(next, (phase) => {
        if (phase === 'start') cut = target.vm.cut();
      });
      await cut;
      assert.ok(done.state === 'failed' && done.code === 'unreachable' && !done.back, JSON.stringify(done));
      const begun = performance.now();
      await target.vm.boot();
      t.diagnostic(`booted in ${Math.round(performance.now() - begun)} ms`);
      assert.equal(await target.must(['cat', '/etc/opt/plain.conf']), 'two\n');
      const state = await readTargetState(target.machine);
      assert.ok(state.ok && state.value.pending !== null);
      const back = await revertPending(target, state.value);
      assert.ok(back.ok, JSON.stringify(back));
      assert.equal(await target.must(['cat', '/etc/opt/plain.conf']), 'one\n');
      const seen = await createTargetLook(target.machine)();
      assert.ok(seen.ok);
      assert.deepEqual([seen.value.drift, seen.value.pending], [[], false]);
    });
  });

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateIntent, evaluateOrder } from '../../../schema/trust/evaluate.ts';
import type { ReleaseOrder } from '../../../schema/wire/release-order.ts';
import { deployWorkflow } from '../../support/workflow-pins.ts';
import { documentOf, genesis, home, makeKeys } from './sample.ts';

test('threat 6: a workflow that trust grants a host or a container is one that never matches there', async () => {
  const keys = await makeKeys();
  const document = documentOf(keys);
  document.house.guests.router!.kind = 'lxc';
  const targets = { gaming: 'pve2', router: 'pve1', pve1: 'pve1', cloud: 'cloud' };
  document.identities.deploy = deployWorkflow({ on: Object.keys(targets) });
  const trust = await genesis(document, [keys.desk]);
  const orderTo = (...names: (keyof typeof targets)[]): ReleaseOrder => ({
    v: 1,
    home,
    release: `sha256:${'e'.repeat(64)}`,
    commit: 'a'.repeat(40),
    order: { run_id: 7, run_attempt: 1, desk: 0 },
    issued_at: 1,
    parts: names.map((target) => ({
      relay: targets[target],
      target,
      digest: `sha256:${'a'.repeat(64)}` as const,
    })),
  });
  assert.equal(evaluateOrder(trust, 'deploy', orderTo('gaming')).ok, true);
  for (const target of ['router', 'pve1', 'cloud'] as const) {
    for (const order of [orderTo(target), orderTo('gaming', target), orderTo(target, 'gaming')]) {
      assert.deepEqual(evaluateOrder(trust, 'deploy', order), {
        ok: false,
        reason: 'not_granted',
        detail: `a workflow releases to virtual machines alone, and ${target} is none`,
      });
    }
  }
  const step = { relay: 'pve2', action: 'guest.start', target: 'gaming', params: {}, after: [] };
  const intent = { home, steps: [step], nonce: 'A'.repeat(22), issued_at: 1, expires: 2 };
  assert.equal(evaluateIntent(trust, 'deploy', intent).ok, false, 'it orders nothing but releases');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outside } from '../../../relay/act/outside-exec.ts';
import { findTargetMachine } from '../../../relay/act/target-machine.ts';
import type { House } from '../../../schema/trust/document.ts';
import { testHouse } from '../../support/relay-home.ts';

const outside: Outside = async () => ({ ok: false, reason: 'unreachable' });
const files = testHouse.guests.files!;

const found = async (target: string, root: string | null = files.identity!, house: House = testHouse) => {
  const machine = await findTargetMachine({ house, relay: 'pve2' }, target, {
    outside,
    rootOf: async (vmid) => (vmid === files.vmid ? root : null),
  });
  return machine.ok ? machine.value.name : machine.reason;
};
const withFiles = (changes: Partial<House['guests'][string]>): House => ({
  ...testHouse,
  guests: { ...testHouse.guests, files: { ...files, ...changes } },
});

test('threat 8: a target is this host or one of its containers, as trust pins it, and nothing else', async () => {
  assert.equal(await found('pve2'), 'pve2');
  assert.equal(await found('files'), 'files');
  for (const target of ['pve1', 'websvcs', 'gaming', 'nobody', 'constructor']) {
    assert.equal(await found(target), 'target_not_ours', target);
  }
  assert.equal(await found('files', null), 'guest_missing');
  assert.equal(await found('files', 'local-lvm:vm-110-disk-1'), 'guest_mismatch');
  const { identity: _, ...unpinned } = files;
  const adopted = { ...testHouse, guests: { ...testHouse.guests, files: unpinned } };
  assert.equal(await found('files', 'local-lvm:vm-110-disk-0', adopted), 'guest_not_adopted');
  const elsewhere = withFiles({ host: 'pve1' });
  assert.equal(await found('files', files.identity, elsewhere), 'target_not_ours');
  const { pve2: _own, ...others } = testHouse.hosts;
  assert.equal(await found('pve2', null, { ...testHouse, hosts: others }), 'target_not_ours');
});

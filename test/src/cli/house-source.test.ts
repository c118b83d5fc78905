import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { readHouseFrom } from '../../../src/cli/house-source.ts';
import { type Tree, writeTree } from '../../support/repo-fixture.ts';

const home = [
  'v: 1',
  'site: { domain: example.net }',
  'hosts:',
  '  pve1: {}',
  'guests:',
  '  gaming: { host: pve1, vmid: 101 }',
  '',
].join('\n');
const runbook = 'title: Start gaming\nsteps:\n  - { action: guest.start, target: gaming }\n';
const repo: Tree = { 'homelab.yaml': home, 'house.yaml': home, 'runbooks/start-gaming.yaml': runbook };

test('a repo’s homelab.yaml has the runbooks beside it, a house file its own alone', (t) => {
  const folder = writeTree(t, repo);
  const runbooksOf = (name: string): string[] => {
    const read = readHouseFrom(join(folder, name));
    assert.ok(read.ok, JSON.stringify(read));
    return Object.keys(read.value.runbooks);
  };
  assert.deepEqual(runbooksOf('homelab.yaml'), ['start-gaming']);
  assert.deepEqual(runbooksOf('house.yaml'), []);
});

test('a fault of a runbook is told with its path', (t) => {
  const says = (more: Tree): string => {
    const folder = writeTree(t, { ...repo, ...more });
    const read = readHouseFrom(join(folder, 'homelab.yaml'));
    assert.ok(!read.ok);
    return read.detail.replaceAll(folder, '');
  };
  assert.equal(
    says({ 'runbooks/start-gaming.yaml': runbook.replace('target: gaming', 'target: gamin') }),
    '/runbooks/start-gaming.yaml:3:28: there is no guest gamin. Did you mean gaming?',
  );
  assert.match(
    says({
      'homelab.yaml': `${home}runbooks:\n  start-gaming: { title: x, steps: [{ action: host.reboot, target: pve1 }] }\n`,
    }),
    /^\/runbooks\/start-gaming\.yaml:1:1: homelab\.yaml has a runbook start-gaming already$/,
  );
  assert.match(says({ 'homelab.yaml': home.replace('vmid: 101', 'vmid: many') }), /^\/homelab\.yaml:6:25: /);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTree, smallHome } from '../../../support/repo-fixture.ts';

test('a network with a fault of its own is not also said to be missing', async () => {
  const broken = (smallHome['homelab.yaml'] as string)
    .replace('192.168.20.0/24', '192.168.20.1/24')
    .replace('192.168.20.12', '192.168.20.11');
  const { findings } = await buildTree(smallHome, { 'homelab.yaml': broken });
  assert.deepEqual(
    findings.map(({ line, code }) => `${line} ${code}`),
    ['4 wrong_value', '9 address_twice'],
  );
});

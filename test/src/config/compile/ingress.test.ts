import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTree, smallHome } from '../../../support/repo-fixture.ts';

const homelab = (more: string): string => `${smallHome['homelab.yaml']}${more}`;
const codes = async (changes: Record<string, string>): Promise<string[]> =>
  (await buildTree(smallHome, changes)).findings.map(({ code }) => code);

test('ports have defaults, and nothing is trusted where no machine carries HAProxy', async () => {
  const { home } = await buildTree(smallHome);
  assert.deepEqual(home!.ingress, { ports: { home: 443, public: 8443, http: 80 }, edges: [], from: [] });
});

test('from takes addresses, subnets and names of machines and networks', async () => {
  const text = homelab('ingress: { public: 9443, from: [lan, pve1, 100.64.0.1, 10.0.0.0/8] }\n');
  const { home } = await buildTree(smallHome, { 'homelab.yaml': text });
  assert.deepEqual(home!.ingress.from, ['10.0.0.0/8', '100.64.0.1', '192.168.20.0/24', '192.168.20.1']);
  assert.equal(home!.ingress.ports.public, 9443);
});

test('a name that nobody has is told', async () => {
  const unknown = homelab('ingress: { from: lann }\n');
  assert.deepEqual(await codes({ 'homelab.yaml': unknown }), ['unknown_network']);
});

const waking = (on: string): string =>
  [`on: ${on}`, 'route: { host: waking, port: 80, waking: true }', ''].join('\n');

test('one route answers for what sleeps, and it does not sleep itself', async () => {
  const { home } = await buildTree(smallHome, { 'apps/page/app.yaml': waking('secsvcs') });
  assert.equal(home!.ingress.waking?.app, 'page');
  assert.deepEqual(
    await codes({
      'apps/page/app.yaml': waking('secsvcs'),
      'apps/rival/app.yaml': waking('websvcs').replace('host: waking', 'host: other'),
    }),
    ['waking_twice'],
  );
  const sleeping = homelab('').replace(
    'pve1: {',
    'pve2: { network: lan, address: 192.168.20.2 }\n  pve1: { sleeps: true, mac: "02:00:00:00:00:01", wake_via: pve2, wake_address: 192.168.20.255,',
  );
  assert.deepEqual(await codes({ 'homelab.yaml': sleeping, 'apps/page/app.yaml': waking('secsvcs') }), [
    'waking_sleeps',
  ]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { homeOf } from '../../../support/compiled-home.ts';

const homelab = (access: string): string =>
  [
    'v: 1',
    'site: { domain: example.net }',
    'networks: { lan: { subnet: 192.168.20.0/24 } }',
    'hosts: { pve1: { network: lan, address: 192.168.20.2 } }',
    'guests: { web: { host: pve1, vmid: 101, network: lan, address: 192.168.20.11 } }',
    `access: { known: ${access} }`,
    '',
  ].join('\n');
const told = (access: string, route: string): string[] =>
  homeOf({
    'homelab.yaml': homelab(access),
    'apps/wiki/app.yaml': `on: web\nservice: wiki.service\nroute: ${route}\n`,
  }).findings.map(({ message }) => message);

test('what narrows who may pass, or what a route has, is never an empty list', () => {
  assert.deepEqual(told('{ groups: family, from: [lan] }', '{ host: wiki, port: 80 }'), []);
  for (const [access, member] of [
    ['{ policy: bypass, from: [] }', 'from'],
    ['{ groups: [] }', 'groups'],
  ] as const) {
    assert.deepEqual(told(access, '{ host: wiki, port: 80 }'), [
      `access.known.${member} must not be an empty list: leave it out`,
    ]);
  }
  for (const [route, member] of [
    ['{ host: [], port: 80 }', 'host'],
    ['{ host: wiki, port: 80, when: { path: [] } }', 'when.path'],
    ['{ host: wiki, port: 80, when: { not_path: [] } }', 'when.not_path'],
    ['{ host: wiki, port: 80, when: { method: [] } }', 'when.method'],
  ] as const) {
    assert.deepEqual(told('{}', route), [`route.${member} must not be an empty list: leave it out`]);
  }
});

test('an access without groups and networks has none', () => {
  const { home } = homeOf({ 'homelab.yaml': homelab('{}') });
  assert.deepEqual(home.access.known, { name: 'known', policy: 'two_factor', groups: [], from: [] });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { fileOf } from '../../../support/edge-home.ts';
import { buildTree, type Tree } from '../../../support/repo-fixture.ts';

const home: Tree = {
  'homelab.yaml': [
    'v: 1',
    'site: { domain: example.net }',
    'hosts: { pve1: {}, cloud: { proxmox: false } }',
    'guests: { web: { host: pve1, vmid: 100, address: 192.168.20.11 } }',
    'generators:',
    '  traefik:',
    '    options:',
    '      resolvers: { dns: { acme: { storage: /acme.json } } }',
    '      entry_points: { metrics: { address: ":8082" }, home: { reusePort: true } }',
    '',
  ].join('\n'),
  'apps/proxy/app.yaml': [
    'on: web',
    'files:',
    '  - generate: traefik/static',
    '    to: /etc/traefik/traefik.yml',
    '    options: { entry_points: { home: { asDefault: true } } }',
    '  - { generate: traefik/dynamic, to: /etc/traefik/dynamic/home.yml }',
    '',
  ].join('\n'),
};

test('options of a place go over those of the home, member by member', async () => {
  const entryPoints = async (changes: Tree = {}): Promise<Record<string, unknown>> => {
    const text = fileOf(await buildTree(home, changes), 'web', '/etc/traefik/traefik.yml');
    return (parse(text) as { entryPoints: Record<string, unknown> }).entryPoints;
  };
  const both = await entryPoints();
  assert.deepEqual(both.metrics, { address: ':8082' });
  assert.deepEqual(both.home, { address: ':443', reusePort: true, asDefault: true });
  const app = (home['apps/proxy/app.yaml'] as string).replace(
    'entry_points: {',
    'entry_points: { metrics: null,',
  );
  assert.equal('metrics' in (await entryPoints({ 'apps/proxy/app.yaml': app })), false);
});

test('a name that HAProxy hands over on its own machine asks for no Traefik there', async () => {
  const own = 'on: cloud\nroute: { host: own, port: 8443, public: true, passthrough: true }\n';
  const haproxy =
    'on: cloud\nfiles:\n  - { generate: haproxy/config, to: /etc/haproxy/haproxy.cfg }\n  - { generate: haproxy/names, to: /etc/haproxy/names.map }\n';
  const warnings = async (changes: Tree): Promise<string[]> => {
    const { findings } = await buildTree(home, changes);
    return findings.flatMap(({ code, message }) => (code === 'generator_unplaced' ? [message] : []));
  };
  const traefik = (all: readonly string[]): boolean => all.some((one) => one.startsWith('traefik/dynamic '));
  assert.equal(
    traefik(await warnings({ 'apps/own/app.yaml': own, 'apps/haproxy/app.yaml': haproxy })),
    false,
  );
  assert.equal(traefik(await warnings({ 'apps/own/app.yaml': own })), true, 'without HAProxy nobody does');
  const opened = own.replace('passthrough: true', 'scheme: http');
  const all = await warnings({ 'apps/own/app.yaml': opened, 'apps/haproxy/app.yaml': haproxy });
  assert.equal(traefik(all), true, 'HAProxy opens no TLS');
});

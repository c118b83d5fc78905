import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkUnbound } from '../../../support/checkers.ts';
import { buildEdge, fileOf } from '../../../support/edge-home.ts';

type Changes = Parameters<typeof buildEdge>[0];
const router = (...more: string[]): Changes => ({
  'apps/unbound/app.yaml': [
    'on: router',
    'files:',
    '  - { generate: pfsense/host-overrides, to: /etc/opt/pfsense/overrides.json }',
    ...more,
    '',
  ].join('\n'),
});
const custom = '  - { generate: pfsense/custom-options, to: /etc/opt/pfsense/custom.conf }';
const apex: Changes = {
  'apps/apex/app.yaml': 'on: homesvcs\nroute: { host: ["@", a.b.example.net], port: 80 }\n',
};
const wildcard: Changes = { 'apps/any/app.yaml': 'on: homesvcs\nroute: { host: "*", port: 81 }\n' };
type Override = { readonly host: string; readonly domain: string; readonly ip: readonly string[] };

const overridesOf = async (changes: Changes, pfsense: object = {}): Promise<Override[]> => {
  const built = await buildEdge({ ...router(custom), ...changes }, { pfsense });
  return JSON.parse(fileOf(built, 'router', '/etc/opt/pfsense/overrides.json')) as Override[];
};

test('the list is one that PUT takes, and sorted as pfSense sorts it', async () => {
  const overrides = await overridesOf(apex);
  assert.deepEqual(overrides.slice(0, 3), [
    { host: '', domain: 'example.net', ip: ['192.168.20.32'], descr: 'Writ: apex', aliases: [] },
    { host: 'a', domain: 'b.example.net', ip: ['192.168.20.32'], descr: 'Writ: apex', aliases: [] },
    { host: 'graph', domain: 'example.net', ip: ['192.168.20.31'], descr: 'Writ: graph', aliases: [] },
  ]);
  const hosts = overrides.map(({ host }) => host);
  assert.deepEqual(hosts, [...hosts].sort());
  assert.ok(!hosts.includes('writ'), 'what has no address at home is looked up outside');
  assert.ok(!(await overridesOf({}, { transparent: 'graph' })).some(({ host }) => host === 'graph'));
});

test('a wildcard is told in custom options, and asks to be placed there', async () => {
  const findings = (await buildEdge({ ...router(), ...wildcard })).findings.map(
    ({ code, message }) => `${code}: ${message}`,
  );
  assert.ok(
    findings.includes(
      'generator_unplaced: pfsense/custom-options has entries and no place: host overrides have no wildcards',
    ),
    findings.join('\n'),
  );
  const built = await buildEdge({ ...router(custom), ...wildcard });
  const text = fileOf(built, 'router', '/etc/opt/pfsense/custom.conf');
  assert.match(text, /^local-zone: "example\.net\." redirect$/m);
  assert.match(text, /^local-data: "example\.net\. 300 IN A 192\.168\.20\.32"$/m);
  const overrides = await overridesOf(wildcard);
  assert.ok(!overrides.some(({ host }) => host.includes('*')));
});

test('custom options go together with the lines that pfSense makes of host overrides', async (t) => {
  const built = await buildEdge({ ...router(custom), ...wildcard });
  const folder = mkdtempSync(join(tmpdir(), 'writ-pfsense-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'custom.conf'), fileOf(built, 'router', '/etc/opt/pfsense/custom.conf'));
  // As host_entries.conf has them.
  const lines = (await overridesOf(wildcard)).flatMap(({ host, domain, ip: [address] }) => {
    const name = host === '' ? domain : `${host}.${domain}`;
    return [`local-data-ptr: "${address} ${name}"`, `local-data: "${name}. A ${address}"`];
  });
  writeFileSync(join(folder, 'entries.conf'), ['server:', ...lines, ''].join('\n'));
  for (const { by, accepted, said } of checkUnbound(folder, ['entries.conf', 'custom.conf'])) {
    assert.ok(accepted, `${by}: ${said}`);
  }
  writeFileSync(join(folder, 'custom.conf'), 'server:\nlocal-zone: "example.net." redirect\n');
  for (const { by, accepted } of checkUnbound(folder, ['entries.conf', 'custom.conf']))
    assert.ok(!accepted, by);
});

test('options that are not known are refused', async () => {
  const { findings } = await buildEdge(router(), { pfsense: { transparant: [] } });
  assert.deepEqual(
    findings.map(({ code, suggestion }) => [code, suggestion]),
    [['wrong_option', 'Did you mean transparent?']],
  );
});

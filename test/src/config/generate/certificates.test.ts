import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { certificates } from '../../../../src/config/generate/certificates.ts';
import { generateFor, homeOf } from '../../../support/compiled-home.ts';
import { missing } from '../../../support/missing.ts';
import type { Tree } from '../../../support/repo-fixture.ts';

const tree: Tree = {
  'homelab.yaml': [
    'v: 1',
    'site: { domain: example.net, email: admin@example.net }',
    'networks: { lan: { subnet: 192.168.20.0/24 } }',
    'hosts: { pve1: { network: lan, address: 192.168.20.2 } }',
    'guests: { web: { host: pve1, vmid: 101, network: lan, address: 192.168.20.31 }, sec: { host: pve1, vmid: 102 } }',
    'generators: { traefik: { options: { resolvers: { dns: {}, other: {} } } } }',
    '',
  ].join('\n'),
  'apps/page/app.yaml': [
    'on: web',
    'routes:',
    '  - { host: page, port: 80, public: true, via: sec }',
    '  - { host: page, port: 81, via: sec, when: { path: /api }, name: api }',
    '  - { host: own, port: 8443, passthrough: true, via: sec, name: own }',
    '  - { host: shop.example.org, port: 82, via: sec, resolver: other, name: shop }',
    '',
  ].join('\n'),
  'apps/db/app.yaml': 'on: web\ncerts: [{ name: db, to: /etc/opt/db/tls/ }]\n',
  'apps/certificates/app.yaml':
    'on: sec\nfiles: [{ generate: certificates/names, to: /etc/opt/certificates/names.json }]\n',
};
const make = (output: string, options: object = {}, home = tree) => {
  const { made, doubts } = generateFor(
    certificates,
    output,
    homeOf(home).home,
    { app: 'certificates', target: 'sec' },
    options as never,
  );
  return {
    text: made.kind === 'file' ? made.text : '',
    told: doubts.map(({ code, message }) => `${code}: ${message}`),
  };
};
const names = (...given: [object?, Tree?]) =>
  JSON.parse(make('names', ...given).text) as {
    public: Record<string, unknown>[];
    private: Record<string, unknown>[];
  };
const linesOf = (...given: [object?, Tree?]): string[] => make('caa', ...given).text.split('\n');

test('each name has the machine that holds its certificate, and who gets it', () => {
  assert.deepEqual(names({ names: { printer: 'web' } }).public, [
    { name: 'own.example.net', machine: 'web', apps: ['page'], reach: 'home', resolver: null },
    { name: 'page.example.net', machine: 'sec', apps: ['page'], reach: 'public', resolver: 'dns' },
    { name: 'printer.example.net', machine: 'web', apps: [], reach: 'home', resolver: null },
    { name: 'shop.example.org', machine: 'sec', apps: ['page'], reach: 'home', resolver: 'other' },
  ]);
});

test('leaves of the private CA have their names and files', () => {
  assert.deepEqual(names().private, [
    {
      machine: 'web',
      app: 'db',
      name: 'db',
      kind: 'server',
      names: ['192.168.20.31', 'db', 'web'],
      cert: '/etc/opt/db/tls/cert.pem',
      key: '/etc/opt/db/tls/key.pem',
      ca: '/etc/opt/db/tls/ca.pem',
    },
  ]);
});

test('CAA records name who may, by dns-01, for the domain and for names outside of it', () => {
  assert.deepEqual(linesOf().slice(1), [
    'example.net. 3600 IN CAA 0 issue "letsencrypt.org; validationmethods=dns-01"',
    'example.net. 3600 IN CAA 0 issuewild ";"',
    'example.net. 3600 IN CAA 0 iodef "mailto:admin@example.net"',
    'shop.example.org. 3600 IN CAA 0 issue "letsencrypt.org; validationmethods=dns-01"',
    'shop.example.org. 3600 IN CAA 0 issuewild ";"',
    'shop.example.org. 3600 IN CAA 0 iodef "mailto:admin@example.net"',
    '',
  ]);
});

test('an account, several authorities and wildcards are as the options and routes say', () => {
  const wild = { ...tree, 'apps/any/app.yaml': 'on: web\nroute: { host: "*", port: 80, via: sec }\n' };
  const account = 'https://acme-v02.api.letsencrypt.org/acme/acct/1';
  const lines = linesOf({ issuers: ['letsencrypt.org', 'pki.goog'], account, ttl: 60 }, wild);
  const value = `validationmethods=dns-01; accounturi=${account}`;
  for (const line of [
    `example.net. 60 IN CAA 0 issue "letsencrypt.org; ${value}"`,
    `example.net. 60 IN CAA 0 issue "pki.goog; ${value}"`,
    `example.net. 60 IN CAA 0 issuewild "pki.goog; ${value}"`,
  ]) {
    assert.ok(lines.includes(line), line);
  }
  assert.ok(!lines.includes('example.net. 60 IN CAA 0 issuewild ";"'));
});

test('a name for a machine that is none, or of a route, is told; hostile options are refused', () => {
  assert.deepEqual(make('names', { names: { printer: 'wib', page: 'web' } }).told, [
    'unknown_target: options.names.printer: there is no guest, host or device wib',
    'name_twice: page.example.net is the name of a route already',
  ]);
  for (const options of [
    { account: 'https://a"; issue "evil' },
    { account: 'http://a' },
    { issuers: 'a"b' },
    { methods: 'dns' },
    { ttl: 1 },
    { names: { 'a b': 'web' } },
  ]) {
    assert.match(make('caa', options).told.join(), /^wrong_option/, JSON.stringify(options));
  }
});

const checker = 'named-checkzone';
if (spawnSync(checker, ['-v']).error !== undefined) missing(`${checker}, which judges CAA records`);
else {
  test('named-checkzone takes the records, and none with a word changed', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'writ-zone-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'zone');
    const zone = (text: string): number | null => {
      const head =
        '$ORIGIN example.net.\n@ 60 IN SOA ns root 1 60 60 60 60\n@ 60 IN NS ns\nns 60 IN A 192.0.2.1\n';
      const inZone = text.replaceAll(/^shop\.example\.org\..*\n/gm, '');
      writeFileSync(file, head + inZone);
      return spawnSync(checker, ['example.net', file]).status;
    };
    const { text } = make('caa', { account: 'https://acme.example/acct/1?a=b' });
    assert.equal(zone(text), 0);
    for (const [right, wrong] of [
      ['CAA 0', 'CAA 256'],
      ['IN CAA 0 issue ', 'IN CAA issue '],
      ['3600 IN', '3600x IN'],
    ] as const) {
      assert.ok(text.includes(right));
      assert.notEqual(zone(text.replace(right, wrong)), 0, wrong);
    }
  });
}

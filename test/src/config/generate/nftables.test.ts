import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joined } from '../../../../src/config/generate/shared/openings.ts';
import { firewallHome, rulesetOf } from '../../../support/firewall-home.ts';
import type { Tree } from '../../../support/repo-fixture.ts';

const linesOf = (...given: Parameters<typeof rulesetOf>): string[] =>
  rulesetOf(...given)
    .text.split('\n')
    .map((line) => line.trim());
const told = (...given: Parameters<typeof rulesetOf>): string[] =>
  rulesetOf(...given).doubts.map(({ code, message }) => `${code}: ${message}`);
const changed = (path: string, right: string, wrong: string): Tree => {
  const text = String(firewallHome[path]);
  assert.ok(text.includes(right), right);
  return { ...firewallHome, [path]: text.replace(right, wrong) };
};
/** Lines of one port in the chain of what is opened. */
const rulesOf = (port: number, ...given: Parameters<typeof rulesetOf>): string[] => {
  const lines = linesOf(...given);
  return lines.slice(lines.indexOf('chain opened {')).filter((line) => line.includes(` proto-dst ${port} `));
};

test('it takes the place of its own table and flushes nothing', () => {
  const lines = linesOf();
  assert.deepEqual(lines.slice(2, 5), ['table inet writ', 'delete table inet writ', 'table inet writ {']);
  assert.ok(!lines.some((line) => line.includes('flush')));
  assert.equal(lines.filter((line) => line.startsWith('table')).length, 2);
  assert.deepEqual(told(), []);
});

test('ports, uses, routes and the proxy’s own ports are opened to whom they are for', () => {
  assert.deepEqual(rulesOf(2456), [
    'meta l4proto tcp ct original proto-dst 2456 accept comment "game"',
    'meta l4proto udp ct original proto-dst 2456 accept comment "game"',
  ]);
  assert.deepEqual(rulesOf(53), [
    'meta l4proto udp ct original proto-dst 53 ip saddr { 192.168.20.9, 192.168.30.0/24 } accept comment "names"',
  ]);
  assert.deepEqual(rulesOf(9100), [
    'meta l4proto tcp ct original proto-dst 9100 ip saddr { 192.168.20.41 } accept comment "exporter"',
  ]);
  assert.equal(rulesOf(443).length, 2, 'people, and containers of the machine');
  // What is asked for by UDP alone is used by UDP.
  const use = {
    ...firewallHome,
    'apps/ask/app.yaml': 'on: other\nuses: [{ app: names, on: web, port: 53 }]\n',
  };
  assert.match(
    rulesOf(53, 'web', {}, use).join(),
    /^meta l4proto udp [^,]* ip saddr \{ 192\.168\.20\.9, 192\.168\.20\.41, /,
  );
});

test('what an app says of the proxy’s ports stands in place of what is meant for all', () => {
  const tree = changed('apps/traefik/app.yaml', 'on: web\n', 'on: web\nports: [{ port: 443, from: wifi }]\n');
  assert.deepEqual(rulesOf(443, 'web', {}, tree), [
    'meta l4proto tcp ct original proto-dst 443 ip saddr { 192.168.30.0/24 } accept comment "traefik"',
  ]);
});

test('an app that is gone takes its opening along', () => {
  const { 'apps/watch/app.yaml': _, ...without } = firewallHome;
  assert.deepEqual(rulesOf(9100, 'web', {}, without), []);
});

test('a network that says no subnet cannot be told from others', () => {
  const between = (tree: Tree): string[] =>
    linesOf('web', {}, tree).filter((line) => line.includes('network'));
  assert.deepEqual(between(firewallHome), [
    'iifname "podman*" oifname "podman*" ip saddr 10.88.0.0/16 ip daddr 10.88.0.0/16 accept comment "within a network"',
    'iifname "podman*" oifname "podman*" ip saddr 10.89.1.0/24 ip daddr 10.89.1.0/24 accept comment "within a network"',
    'iifname "podman*" oifname "podman*" ip saddr 10.89.5.0/24 ip daddr 10.89.5.0/24 accept comment "within a network"',
  ]);
  assert.deepEqual(between(changed('apps/networks/apart.network', 'Subnet=10.89.5.0/24', 'Internal=true')), [
    'iifname "podman*" oifname "podman*" accept comment "between containers: a network says no subnet"',
  ]);
});

test('a Proxmox VE host leaves alone what its guests say, and is administered by its page', () => {
  const lines = linesOf('pve1');
  assert.ok(!lines.includes('chain forward {'));
  assert.equal(rulesOf(8006, 'pve1').length, 1);
  assert.ok(lines.includes('iifname "tailscale0" drop'));
  assert.ok(linesOf('web').includes('chain forward {'));
});

test('a machine in no network of the home must say from where it is administered', () => {
  assert.deepEqual(told('cloud'), [
    'wrong_option: cloud is in no network of the home, so that nobody could administer it',
  ]);
  assert.deepEqual(told('cloud', { admin_from: '100.64.0.0/10' }), []);
  assert.deepEqual(rulesOf(2222, 'cloud', { admin_from: 'web', admin_ports: 2222 }), [
    'meta l4proto tcp ct original proto-dst 2222 ip saddr { 100.64.0.31, 192.168.20.31 } accept',
  ]);
});

test('DHCP, the log, interfaces and own rules are as the options say', () => {
  const lines = linesOf('web', {
    dhcp: true,
    log: true,
    containers: ['br-*', 'podman0'],
    tailnet: 'wg0',
    input: ['tcp dport 1 accept'],
    forward: ['oifname "wg0" accept'],
  });
  for (const line of [
    'udp sport 67 udp dport 68 accept',
    'limit rate 5/minute log prefix "writ dropped: "',
    'iifname { "br-*", "podman0" } oifname != { "br-*", "podman0" } accept comment "containers to the outside"',
    'iifname != "wg0" ip saddr 100.64.0.0/10 drop',
    'tcp dport 1 accept',
    'oifname "wg0" accept',
  ]) {
    assert.ok(lines.includes(line), line);
  }
});

test('sources that are nothing of the home, or have no address, are told where they stand', () => {
  const lost = changed('apps/names/app.yaml', 'wifi,', 'wify,');
  const { doubts } = rulesetOf('web', {}, lost);
  assert.deepEqual(
    doubts.map(({ code, message, suggestion, place }) => [code, message, suggestion, place?.file]),
    [
      [
        'unknown_target',
        'there is no network, host, guest or device wify',
        'Did you mean wifi?',
        'apps/names/app.yaml',
      ],
    ],
  );
  const homelab = String(firewallHome['homelab.yaml']).replace(', address: 192.168.20.41', '');
  const tree = { ...changed('apps/names/app.yaml', 'wifi,', 'other,'), 'homelab.yaml': homelab };
  assert.deepEqual(told('web', {}, tree), [
    'address_missing: other states no address, so that nothing can be opened to it',
  ]);
});

test('options that would put more into the file than they say are refused', () => {
  for (const options of [
    { input: ['a\nb'] },
    { containers: 'a" accept; #' },
    { tailnet: 'a b' },
    { admin_from: '10.0.0.1/8' },
    { admin_from: 'x; drop' },
    { admin_ports: 0 },
    { ssh: 22 },
  ]) {
    assert.match(told('web', options).join(), /^wrong_option/, JSON.stringify(options));
  }
});

test('of addresses and subnets those stay that no other holds', () => {
  assert.deepEqual(
    joined(['10.0.0.0/24', '10.0.0.7', '9.0.0.1', '10.0.0.0/24', '10.0.0.0/8', '9.0.0.1/32']),
    ['9.0.0.1', '10.0.0.0/8'],
  );
});

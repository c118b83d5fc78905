import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findChecker } from '../../support/checkers.ts';
import { missing } from '../../support/missing.ts';
import { buildExample, exampleRepo } from '../example.ts';
import { readHaproxy } from './haproxy-reader.ts';
import { filesOfRelease, saidOf } from './home-files.ts';
import { startHaproxy } from './real-haproxy.ts';
import { outsideAddress, startUnbound } from './real-unbound.ts';
import { readUnbound } from './unbound-reader.ts';

/** The readers that the matrix is read by, held against the programs themselves. */

const { release } = await buildExample();
const files = filesOfRelease(release!);
const said = saidOf(exampleRepo());
const { domain } = said;

/** Every name that the home has, and names near them that nobody has. */
const names = [
  ...new Set([
    ...said.routes.flatMap(({ hosts }) => hosts),
    ...said.names,
    domain,
    `nobody.${domain}`,
    `below.graph.${domain}`,
    `agraph.${domain}`,
    `GRAPH.${domain}`,
    `graph.${domain}.example.org`,
    'example.org',
  ]),
];

const config = '/etc/haproxy/haproxy.cfg';
const wide = `    default_backend be_homesvcs\n`;
const haproxies = findChecker('haproxy');
if (haproxies.length === 0) missing('haproxy, which the reader of its files is held against');
for (const haproxy of haproxies) {
  test(`${haproxy.version} passes on what the reader says`, async () => {
    for (const change of [(text: string) => text, (text: string) => widened(text)]) {
      const machine = new Map([...files.get('cloud')!]);
      machine.set(config, change(machine.get(config)!));
      const reader = readHaproxy(machine.get(config)!, (path) => machine.get(path)!);
      const real = await startHaproxy(haproxy, machine, config);
      try {
        for (const name of names) {
          const expected = reader.pass(name, () => true);
          const told = expected === null ? null : { server: expected.server, proxied: expected.proxied };
          assert.deepEqual(await real.pass(name), told, name);
        }
      } finally {
        await real.close();
      }
    }
  });
}

/** One that passes on what nobody has, too. */
function widened(text: string): string {
  const [rule, use] = [
    /^ +tcp-request content silent-drop unless \{ var\(txn\.backend\).*\n/m,
    /use_backend %.*\n/,
  ];
  assert.match(text, rule);
  return text.replace(rule, '').replace(use, (line) => line + wide);
}

const zone = files.get('secsvcs')!.get('/etc/unbound/unbound.conf.d/home.conf')!;
/** Zones of every type that the generator makes. */
const zones: readonly string[] = [
  zone,
  zone.replace(`"${domain}." transparent`, `"${domain}." static`),
  [
    'server:',
    `    local-zone: "${domain}." redirect`,
    `    local-zone: "graph.${domain}." transparent`,
    `    local-zone: "git.${domain}." transparent`,
    `    local-data: "${domain}. 300 IN A 192.168.20.32"`,
    `    local-data: "graph.${domain}. 300 IN A 192.168.20.31"`,
    `    local-data: "deep.down.example.org. 300 IN A 192.168.20.33"`,
    '',
  ].join('\n'),
];
const unbounds = findChecker('unbound');
if (unbounds.length === 0) missing('Unbound, which the reader of its zones is held against');
for (const unbound of unbounds) {
  test(`${unbound.version} answers what the reader says`, async () => {
    for (const text of zones) {
      const reader = readUnbound([text]);
      const real = await startUnbound(unbound, text);
      try {
        for (const name of [...names, 'deep.down.example.org', 'down.example.org']) {
          const expected = reader.ask(name);
          const { data } = await real.ask(name);
          assert.deepEqual(data, expected === 'outside' ? [outsideAddress] : expected, name);
        }
      } finally {
        await real.close();
      }
    }
  });
}

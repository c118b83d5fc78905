import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildRepo } from '../../../src/config/build/build.ts';
import { findChecker } from '../../support/checkers.ts';
import { missing } from '../../support/missing.ts';
import { renderHere } from '../../support/repo-fixture.ts';
import { buildExample, exampleRepo } from '../example.ts';
import { readHaproxy } from './haproxy-reader.ts';
import { filesOfRelease, saidOf } from './home-files.ts';
import { repoOf } from './random-homes.ts';
import { startHaproxy } from './real-haproxy.ts';
import { outsideAddress, startUnbound } from './real-unbound.ts';
import { readUnbound } from './unbound-reader.ts';

/** The readers that the matrix is read by, held against the programs themselves. */

const { release } = await buildExample();
const files = filesOfRelease(release!);
const said = saidOf(exampleRepo());
const { domain } = said;

/** Wildcards on two machines, of which one is for home alone, and names below them. */
const wildcards = await buildRepo(
  repoOf([
    { on: 'secsvcs', route: { host: '*', public: true } },
    { on: 'secsvcs', route: { host: 'b', public: false } },
    { on: 'homesvcs', route: { host: '*.w', public: false } },
    { on: 'secsvcs', route: { host: 'c.w.example.net', public: true } },
    { on: 'websvcs', route: { host: '*.x', public: true } },
    { on: 'cloud', route: { host: 'own', public: true, passthrough: true } },
  ]),
  renderHere,
);
const homes = [files, filesOfRelease(wildcards.release!)];

/** Every name that the home has, and names near them that nobody has. */
const names = [
  ...new Set([
    ...said.routes.flatMap(({ hosts }) => hosts),
    ...said.names,
    domain,
    ...['nobody', 'b', 'w', 'a.w', 'c.w', 'd.c.w', 'x', 'a.x', 'b.a.x', 'own'].map(
      (one) => `${one}.${domain}`,
    ),
    `below.graph.${domain}`,
    `agraph.${domain}`,
    `GRAPH.${domain}`,
    `graph.${domain}.example.org`,
    'example.org',
  ]),
];

const config = '/etc/haproxy/haproxy.cfg';
const haproxies = findChecker('haproxy');
if (haproxies.length === 0) missing('haproxy, which the reader of its files is held against');
for (const haproxy of haproxies) {
  test(`${haproxy.version} passes on what the reader says`, async () => {
    const machines = homes.map((all) => new Map(all.get('cloud')!));
    for (const machine of [...machines, opened(machines[0]!)]) {
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
function opened(machine: ReadonlyMap<string, string>): Map<string, string> {
  const text = machine
    .get(config)!
    .replace(/^ +tcp-request content silent-drop unless \{ var\(txn\.backend\).*\n/m, '')
    .replace(/use_backend %.*\n/, '$&    default_backend be_homesvcs\n');
  return new Map([...machine, [config, text]]);
}

const zones = homes.flatMap((all) => {
  const zone = all.get('secsvcs')!.get('/etc/unbound/unbound.conf.d/home.conf')!;
  return [zone, zone.replace(`"${domain}." transparent`, `"${domain}." static`)];
});
// Data without a zone has one of its own.
zones.push('server:\n    local-data: "deep.down.example.org. 300 IN A 192.168.20.33"\n');
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

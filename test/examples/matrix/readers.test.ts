import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildRepo } from '../../../src/config/build/build.ts';
import { findChecker } from '../../support/checkers.ts';
import { headscaleProgram, startHeadscale } from '../../support/headscale-program.ts';
import { missing } from '../../support/missing.ts';
import { renderHere } from '../../support/repo-fixture.ts';
import { buildExample, exampleRepo } from '../example.ts';
import { readHaproxy } from './haproxy-reader.ts';
import { type Node, readHeadscale } from './headscale-reader.ts';
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
        for (const name of [...names, `graph.${domain}.`]) {
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

if (headscaleProgram === null) missing('Headscale, which the reader of its policy is held against');
else {
  test('Headscale accepts and refuses what the reader says', async (t) => {
    const policy = files.get('cloud')!.get('/etc/headscale/policy.json')!;
    const records = files.get('cloud')!.get('/etc/headscale/records.json')!;
    const persons = said.people.map(({ name }) => name);
    const { join, refusal } = await startHeadscale(t, { policy, records, people: persons });
    const tags = ['edge', 'host', 'guest'];
    for (const tag of tags) join({ name: tag, tag: `tag:${tag}` });
    for (const person of persons) join({ name: `of-${person}`, person });

    const nodes = new Map<string, Node>([
      ...tags.map((tag, index): [string, Node] => [
        `tag:${tag}`,
        { addresses: [`100.64.0.${index + 1}`], tags: [`tag:${tag}`], users: [] },
      ]),
      ...persons.map((name, index): [string, Node] => [
        `${name}@`,
        { addresses: [`100.64.0.${index + 201}`], tags: [], users: [name] },
      ]),
    ]);
    const reader = readHeadscale(policy, [...nodes.values()]);
    const places = new Map([
      ...tags.map((tag) => [`tag:${tag}`, nodes.get(`tag:${tag}`)!.addresses[0]!] as const),
      ...[...said.machines.values()].flatMap(({ address }) =>
        address === undefined ? [] : [[address, address] as const],
      ),
    ]);
    /** Every source, destination and port, as Headscale's own tests say it. */
    const testsOf = (isTurned: (where: string) => boolean) =>
      [...nodes].map(([src, node]) => {
        const lists = { accept: [] as string[], deny: [] as string[] };
        for (const [name, address] of places) {
          for (const port of [22, 53, 80, 443, 8006, 8420, 8443]) {
            const where = `${name}:${port}`;
            const accepts = reader.accepts(node, address, port) !== isTurned(`${src} ${where}`);
            lists[accepts ? 'accept' : 'deny'].push(where);
          }
        }
        return { src, proto: 'tcp', ...lists };
      });
    const asked = (isTurned: (where: string) => boolean = () => false): string | null =>
      refusal(JSON.stringify({ ...JSON.parse(policy), tests: testsOf(isTurned) }));
    assert.equal(asked(), null);
    // It would tell of any one that is otherwise.
    for (const where of [
      'tag:edge tag:guest:443',
      `${persons[1]}@ 192.168.20.1:53`,
      'tag:edge tag:guest:8443',
    ])
      assert.match(asked((one) => one === where) ?? '', /expected (ALLOWED|DENIED)/, where);
  });
}

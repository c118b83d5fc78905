import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { routerProgram } from '../../../../src/config/generate/router/program.ts';
import { router } from '../../../../src/config/generate/router.ts';
import { generateFor, homeOf } from '../../../support/compiled-home.ts';
import { pfrestKey } from '../../../support/fake-pfrest.ts';
import {
  type FakeFirewall,
  type Firewall,
  startFakeFirewall,
} from '../../../support/fake-pfrest-firewall.ts';
import { missing } from '../../../support/missing.ts';
import { networksHome, networksPlace } from '../../../support/networks-home.ts';

const has = (argv: readonly [string, ...string[]]): boolean => spawnSync(argv[0], argv.slice(1)).status === 0;
const lacking = !has(['perl', '-MJSON::PP', '-e', '1'])
  ? 'perl with JSON::PP'
  : !has(['curl', '--version'])
    ? 'curl'
    : null;

const options = { interfaces: { wifi: 'opt1', lan: 'lan' } };
const { made } = generateFor(router, 'rules', homeOf(networksHome).home, networksPlace, options);
const list = made.kind === 'file' ? made.text : '';
const wanted = JSON.parse(list) as Firewall;

async function bring(
  t: TestContext,
  url: string,
  words: readonly string[] = [],
  given = list,
  key = pfrestKey,
) {
  const folder = mkdtempSync(join(tmpdir(), 'writ-router-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  writeFileSync(path('bring-rules'), routerProgram);
  chmodSync(path('bring-rules'), 0o755);
  writeFileSync(path('list'), given);
  writeFileSync(path('request.conf'), `silent\nfail\nmax-time = 10\nheader = "X-API-Key: ${key}"\n`);
  const child = spawn(path('bring-rules'), [...words, path('list'), path('request.conf'), url]);
  const [out, err, [exit]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { exit: exit as number, out, err };
}
const writes = ({ calls }: FakeFirewall): string[] => calls.filter((call) => !call.startsWith('GET '));

const byHand: Firewall = {
  aliases: [{ name: 'printers', type: 'host', descr: 'by hand', address: ['192.168.20.9'], detail: ['x'] }],
  rules: [
    {
      type: 'block',
      interface: ['wan'],
      ipprotocol: 'inet',
      protocol: null,
      source: 'any',
      destination: 'any',
      destination_port: null,
      descr: '',
    },
    {
      type: 'pass',
      interface: ['lan'],
      ipprotocol: 'inet',
      protocol: 'tcp',
      source: 'lan',
      destination: 'any',
      destination_port: '443',
      descr: 'of Writ: no',
    },
  ],
};
const isOurs = ({ descr }: Readonly<Record<string, unknown>>): boolean => String(descr).startsWith('Writ: ');
const others = ({ aliases, rules }: Firewall): Firewall => ({
  aliases: aliases.filter((one) => !isOurs(one)),
  rules: rules.filter((one) => !isOurs(one)),
});

test('the program that brings rules to pfSense', async (t) => {
  if (lacking !== null) return missing(`${lacking}, to bring rules to pfSense`);

  await t.test(
    'brings aliases and rules, applies them and reads them back; the second time there is nothing to do',
    async (t) => {
      const fake = await startFakeFirewall(t, byHand);
      const first = await bring(t, fake.url);
      assert.deepEqual([first.exit, first.err], [0, '']);
      assert.match(first.out, /^pfSense has no VLAN 20 yet: make it by hand\.$/m);
      assert.match(first.out, new RegExp(`pfSense has the ${wanted.rules.length} rules now\\.\\n$`));
      assert.deepEqual(fake.inForce.aliases.slice(1), wanted.aliases);
      assert.equal(fake.inForce.rules.length, byHand.rules.length + wanted.rules.length);
      assert.deepEqual(others(fake.inForce), byHand);
      fake.calls.length = 0;
      fake.vlans = [{ tag: 10 }, { tag: 20 }];
      assert.deepEqual(await bring(t, fake.url), {
        ...{ exit: 0, err: '' },
        out: `pfSense has the ${wanted.rules.length} rules already.\n`,
      });
      assert.deepEqual(writes(fake), ['POST firewall/apply']);
    },
  );

  await t.test('what a run that was cut off left waiting is applied by the next', async (t) => {
    const fake = await startFakeFirewall(t, byHand);
    await bring(t, fake.url);
    // All that was sent is there, and the last rule of it not in force.
    fake.inForce = { ...fake.staged, rules: fake.staged.rules.slice(0, -1) };
    assert.equal((await bring(t, fake.url)).exit, 0);
    assert.equal(fake.inForce, fake.staged);
  });

  await t.test('shows what it would do, and does nothing', async (t) => {
    const fake = await startFakeFirewall(t, byHand);
    const { exit, out } = await bring(t, fake.url, ['--show']);
    assert.equal(exit, 0);
    assert.match(out, /^would add the alias writ_web$/m);
    assert.match(out, /^would add the rule Writ: wifi to traefik on web \(tcp 443\)$/m);
    assert.deepEqual(writes(fake), []);
  });

  await t.test(
    'what is gone from the home goes, what changed changes, what is off is brought again',
    async (t) => {
      const fake = await startFakeFirewall(t, byHand);
      await bring(t, fake.url);
      const { 'apps/names/app.yaml': _, ...tree } = networksHome;
      const moved = String(tree['homelab.yaml']).replace('192.168.20.31', '192.168.20.32');
      const { made } = generateFor(
        router,
        'rules',
        homeOf({ ...tree, 'homelab.yaml': moved }).home,
        networksPlace,
        options,
      );
      const next = made.kind === 'file' ? made.text : '';
      fake.staged = {
        ...fake.staged,
        rules: fake.staged.rules.map((one) => (isOurs(one) ? { ...one, disabled: true } : one)),
      };
      const { exit, err } = await bring(t, fake.url, [], next);
      assert.deepEqual([exit, err], [0, '']);
      const { aliases, rules } = fake.inForce;
      assert.deepEqual(aliases.find(({ name }) => name === 'writ_web')!.address, ['192.168.20.32/32']);
      assert.ok(!rules.some((one) => one.destination_port === '53' || one.disabled === true));
      assert.deepEqual(others(fake.inForce), byHand);
      const empty = await bring(t, fake.url, [], JSON.stringify({ vlans: [], aliases: [], rules: [] }));
      assert.equal(empty.err, '');
      assert.deepEqual(fake.inForce, byHand);
    },
  );

  await t.test('an alias of that name made by hand: nothing is changed', async (t) => {
    const own = {
      ...byHand,
      aliases: [...byHand.aliases, { name: 'Writ_Web', descr: 'mine', address: [], type: 'host' }],
    };
    const fake = await startFakeFirewall(t, own);
    const { exit, err } = await bring(t, fake.url);
    assert.notEqual(exit, 0);
    assert.match(err, /an alias writ_web that somebody made by hand\. Nothing was changed/);
    assert.deepEqual(writes(fake), []);
  });

  await t.test('what fails on the way is told, and nothing is applied', async (t) => {
    const fake = await startFakeFirewall(t, byHand);
    fake.failing = 'POST firewall/rule';
    const { exit, err } = await bring(t, fake.url);
    assert.notEqual(exit, 0);
    assert.match(
      err,
      /could not add the rule .*What was sent before it waits in pfSense, and is not applied\./s,
    );
    assert.equal(fake.inForce, byHand);
    fake.failing = null;
    assert.equal((await bring(t, fake.url)).exit, 0, 'the next run goes on from there');
    assert.notEqual((await bring(t, fake.url, [], list, 'another')).exit, 0);
    const forgetful = await startFakeFirewall(t, byHand);
    forgetful.forgets = true;
    assert.match((await bring(t, forgetful.url)).err, /other rules than it was sent/);
  });

  await t.test('whatever is there by hand stays, in its order', async (t) => {
    const words = fc.string({ maxLength: 12 }).filter((word) => !word.startsWith('Writ: '));
    const rule = fc.record({
      type: fc.constantFrom('pass', 'block'),
      source: words,
      destination: words,
      descr: words,
    });
    const ours = fc.constantFrom(...wanted.rules, { ...wanted.rules[0]!, destination_port: '1' });
    const alias = fc.record({ name: words.filter((word) => !/^writ_/i.test(word)), descr: words });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(rule, ours), { maxLength: 8 }),
        fc.uniqueArray(alias, { maxLength: 4, selector: ({ name }) => name.toLowerCase() }),
        async (rules, aliases) => {
          const there = { aliases, rules };
          const fake = await startFakeFirewall(t, there);
          const { exit, err } = await bring(t, fake.url);
          assert.deepEqual([exit, err], [0, '']);
          assert.deepEqual(others(fake.inForce), others(there));
          const key = (one: Readonly<Record<string, unknown>>): string =>
            `${one.descr} ${one.destination_port}`;
          assert.deepEqual(
            fake.inForce.rules.filter(isOurs).map(key).toSorted(),
            wanted.rules.map(key).toSorted(),
          );
        },
      ),
      { numRuns: 8 },
    );
  });
});

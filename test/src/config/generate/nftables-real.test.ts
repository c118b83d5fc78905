import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { firewallHome, rulesetOf } from '../../../support/firewall-home.ts';
import {
  type FirewallWorld,
  makeFirewallWorld,
  type Place,
  refusing,
} from '../../../support/firewall-world.ts';
import { missing } from '../../../support/missing.ts';

const lacks =
  process.getuid?.() !== 0
    ? 'root'
    : ['ip', 'nft'].find((program) => spawnSync(program, ['-V']).error !== undefined);
const judge = (text: string): string => {
  const done = spawnSync('nft', ['-c', '-f', '-'], { input: text, encoding: 'utf8' });
  return done.status === 0 ? '' : done.stderr;
};

if (lacks !== undefined) missing(`${lacks}, for the firewall between namespaces`);
else {
  describe('judged by nft and by packets', () => {
    let world: FirewallWorld;
    before(async () => {
      world = await makeFirewallWorld();
    });
    after(() => world.remove());

    test('nft takes the rulesets, and none with a word changed', () => {
      const options = {
        dhcp: true,
        log: true,
        containers: ['podman*', 'br-a'],
        forward: ['oifname "wg0" accept'],
      };
      for (const target of ['web', 'pve1', 'cloud']) {
        const admin = target === 'cloud' ? { admin_from: 'pve1' } : {};
        assert.equal(judge(rulesetOf(target, admin).text), '');
        assert.equal(judge(rulesetOf(target, { ...admin, ...options }).text), '');
      }
      const { text } = rulesetOf();
      for (const [right, wrong] of [
        ['ct original proto-dst 443', 'ct original proto-dst 65536'],
        ['192.168.20.41', '192.168.20.411'],
        ['jump opened', 'jump closed'],
        ['policy drop', 'policy deny'],
        ['ct status dnat', 'ct status nated'],
      ] as const) {
        assert.ok(text.includes(right), right);
        assert.notEqual(judge(text.replaceAll(right, wrong)), '', wrong);
      }
    });

    test('loading it again changes nothing, and it touches no other table', () => {
      const other = 'table inet other { chain c { tcp dport 1 accept; }; }\n';
      world.load(other);
      world.load(rulesetOf().text);
      const first = world.list();
      world.load(rulesetOf().text);
      assert.equal(world.list(), first);
      assert.match(first, /table inet netavark/);
      assert.match(first, /dnat ip to 10\.89\.1\.2/);
      assert.match(first, /table inet other/);
      assert.throws(() => world.load(`${rulesetOf().text}\nadd rule inet writ none accept\n`));
      assert.equal(world.list(), first, 'what cannot be loaded whole changes nothing');
    });

    const machine = '192.168.20.31';
    const tailnet = '100.64.0.31';
    type Row = readonly [place: Place, from: string, to: string, port: number, isOpen: boolean, why: string];
    const rows: readonly Row[] = [
      ['outside', '192.168.20.50', machine, 443, true, 'anybody at home comes to the proxy'],
      ['outside', '192.168.30.9', machine, 443, true, 'from each network of the home'],
      ['outside', '192.168.77.7', machine, 443, false, 'from no other'],
      ['outside', '192.168.20.50', machine, 80, true, 'and plain HTTP, of a service without a container'],
      ['outside', '192.168.20.50', machine, 8443, false, 'the public entry point is the public machine’s'],
      ['outside', '100.64.0.1', tailnet, 8443, true, 'which comes by the tailnet'],
      ['outside', '100.64.0.1', tailnet, 443, false, 'and not to the entry point of the home'],
      ['outside', '100.64.0.50', tailnet, 443, true, 'where people of the tailnet come'],
      ['outside', '100.64.0.1', tailnet, 22, false, 'nor to what is for administration'],
      ['outside', '100.64.0.1', tailnet, 2456, true, 'but to what is open to everyone'],
      ['outside', '192.168.20.41', machine, 9100, true, 'who uses an app reaches its port'],
      ['outside', '192.168.20.50', machine, 9100, false, 'and nobody else'],
      ['outside', '192.168.20.41', machine, 5432, true, 'also one that is published'],
      ['outside', '192.168.20.50', machine, 5432, false, 'which the others do not reach'],
      ['outside', '192.168.20.50', machine, 7001, false, 'what is published and not declared is closed'],
      ['outside', '192.168.20.50', machine, 7000, false, 'as is what only listens'],
      ['outside', '192.168.77.7', machine, 2456, true, 'a port without from is open to everyone'],
      ['outside', '192.168.20.50', machine, 22, true, 'administration from the networks of the home'],
      ['outside', '192.168.77.7', machine, 22, false, 'and from nowhere else'],
      [
        'outside',
        '192.168.20.50',
        '10.89.1.2',
        7002,
        false,
        'containers are not reached past what is published',
      ],
      ['boxa', '', '192.168.20.50', 443, true, 'containers reach the outside'],
      ['boxc', '', '192.168.20.50', 443, true, 'from each network'],
      ['boxa', '', '10.89.1.1', 53, true, 'and the machine for names'],
      ['boxa', '', machine, 22, false, 'and for nothing else'],
      ['boxa', '', machine, 9100, false, 'also not what is others’'],
      ['boxa', '', machine, 8123, true, 'but what the proxy hands on to'],
      ['boxc', '', machine, 443, true, 'the proxy by the machine’s address'],
      ['boxc', '', machine, 5432, false, 'and not what is for another machine'],
      ['boxb', '', '10.89.1.2', 7002, true, 'containers of one network reach each other'],
      ['boxc', '', '10.89.1.2', 7002, false, 'those of two do not'],
      ['boxa', '', '10.89.5.2', 7003, false, 'either way'],
    ];

    test('what is declared passes, and nothing else', () => {
      world.load(refusing(rulesetOf().text));
      const found: string[] = [];
      for (const key of new Set(rows.map(([place, from]) => `${place} ${from}`))) {
        const [place, from] = key.split(' ') as [Place, string];
        const mine = rows.filter((row) => row[0] === place && row[1] === from);
        const answers = world.ask(
          place,
          from,
          mine.map(([, , to, port]) => [to, port] as const),
        );
        for (const [index, [, , to, port, isOpen, why]] of mine.entries()) {
          if ((answers[index] === 'open') !== isOpen)
            found.push(`${key} → ${to}:${port} is ${answers[index]}: ${why}`);
        }
      }
      assert.deepEqual(found, []);
    });

    test('without the table all of it answers, so that it is what refuses', () => {
      world.load('delete table inet writ');
      const closed = rows.filter(([, , , , isOpen]) => !isOpen);
      for (const [place, from, to, port] of closed) {
        assert.deepEqual(world.ask(place, from, [[to, port]]), ['open'], `${place} ${from} ${to}:${port}`);
      }
    });

    test('on a machine with a relay the tailnet reaches what names it alone', () => {
      const { text } = rulesetOf('pve1', { admin_from: ['lan', '100.64.0.50'] });
      world.load(refusing(text));
      assert.deepEqual(world.ask('outside', '100.64.0.50', [[tailnet, 22]]), ['open']);
      assert.deepEqual(world.ask('outside', '100.64.0.1', [[tailnet, 22]]), ['refused']);
      assert.deepEqual(
        world.ask('outside', '192.168.20.50', [
          [machine, 22],
          [machine, 2456],
        ]),
        ['open', 'refused'],
      );
      // An address of the tailnet counts on its interface alone.
      assert.match(text, /iifname != "tailscale0" ip saddr 100\.64\.0\.0\/10 drop/);
    });

    test('nor does it reach a published port there, which no input chain sees', () => {
      const tree = {
        ...firewallHome,
        'apps/open/app.yaml': 'on: cloud\nunits: [open.container]\nports: [{ port: 7001 }]\n',
        'apps/open/open.container': '[Container]\nImage=docker.io/library/a:1\nPublishPort=7001:80\n',
      };
      world.load(refusing(rulesetOf('cloud', { admin_from: '100.64.0.50' }, tree).text));
      assert.deepEqual(world.ask('outside', '192.168.77.7', [[machine, 7001]]), ['open']);
      assert.deepEqual(world.ask('outside', '100.64.0.50', [[tailnet, 7001]]), ['open']);
      assert.deepEqual(world.ask('outside', '100.64.0.1', [[tailnet, 7001]]), ['refused']);
    });
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aliasName } from '../../../../src/config/generate/router/rules.ts';
import { router } from '../../../../src/config/generate/router.ts';
import { generateFor, homeOf } from '../../../support/compiled-home.ts';
import { networksHome, networksPlace } from '../../../support/networks-home.ts';

const made = (
  output: string,
  options: object = { interfaces: { wifi: 'opt1', lan: 'lan' } },
  tree = networksHome,
) => {
  const { made: one, doubts } = generateFor(
    router,
    output,
    homeOf(tree).home,
    networksPlace,
    options as never,
  );
  return { text: one.kind === 'file' ? one.text : '', doubts };
};
type Native = {
  vlans: unknown[];
  aliases: { name: string; address: string[] }[];
  rules: {
    interface: string[];
    source: string;
    destination: string;
    destination_port: string;
    protocol: string;
  }[];
};
const native = (...given: Parameters<typeof made> extends [string, ...infer R] ? R : never): Native =>
  JSON.parse(made('rules', ...given).text) as Native;
const told = ({ rules }: Native): string[] =>
  rules.map(
    (one) =>
      `${one.interface.join()} ${one.source} ${one.destination} ${one.destination_port}/${one.protocol}`,
  );

test('what crosses networks has a rule, from networks and from single machines', () => {
  assert.deepEqual(told(native()), [
    'lan writ_desk writ_tv 8009/tcp',
    'opt1 writ_desk_wifi writ_web 5432/tcp',
    'opt1 writ_wifi writ_web 443/tcp',
    'opt1 writ_wifi writ_web 80/tcp',
    'opt1 writ_wifi writ_web 53/udp',
  ]);
});

test('a subnet that holds networks is those networks', () => {
  const from = (source: string): string[] =>
    told(
      native(undefined, {
        ...networksHome,
        'apps/wide/app.yaml': `on: web\nports: [{ port: 7777, from: ${source} }]\n`,
      }),
    ).filter((one) => one.includes(' 7777/'));
  assert.deepEqual(from('0.0.0.0/0'), from('wifi'));
  assert.deepEqual(from('0.0.0.0/0'), ['opt1 writ_wifi writ_web 7777/tcp']);
  assert.deepEqual(from('10.0.0.0/8'), []);
});

test('aliases hold the addresses at home, and nothing of the tailnet', () => {
  const { aliases, vlans } = native();
  assert.deepEqual(
    aliases.map(({ name, address }) => `${name} ${address.join()}`),
    [
      'writ_desk 192.168.20.21/32',
      'writ_desk_wifi 192.168.10.21/32',
      'writ_tv 192.168.10.50/32',
      'writ_web 192.168.20.31/32',
      'writ_wifi 192.168.10.0/24',
    ],
  );
  assert.deepEqual(vlans, [
    { tag: 20, descr: 'Writ: lan' },
    { tag: 10, descr: 'Writ: phones and guests' },
  ]);
});

test('a network that says no interface is told', () => {
  assert.deepEqual(
    made('rules', {}).doubts.map(({ code, message }) => `${code}: ${message}`),
    ['lan', 'wifi'].map(
      (name) =>
        `wrong_option: options.interfaces says nothing of the network ${name}, from which something passes to another`,
    ),
  );
  assert.match(
    made('rules', { interfaces: { wifi: 'a b' } }).doubts[0]!.message,
    /must be as pfSense names them/,
  );
});

test('the same in words', () => {
  const { text } = made('text', {});
  assert.match(text, /^wifi +192\.168\.10\.0\/24 +10 +192\.168\.10\.1 +phones and guests$/m);
  assert.match(text, /^wifi +anybody there +web +443\/tcp +traefik$/m);
  assert.match(text, /^wifi +desk-wifi +web +5432\/tcp +db$/m);
});

test('an app that is gone takes its rules along', () => {
  const { 'apps/names/app.yaml': _, ...without } = networksHome;
  const { rules } = native(undefined, without);
  assert.ok(!rules.some(({ destination_port: port }) => port === '53'));
});

test('names of aliases are those that pfSense takes, and differ where names do', () => {
  const names = ['a-b', 'a.b', 'a_b', '10.0.0.0/8', 'x'.repeat(60), `${'x'.repeat(60)}y`].map(aliasName);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[A-Za-z0-9_]{1,31}$/);
});

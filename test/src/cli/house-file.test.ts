import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readHouseFile } from '../../../src/cli/house-file.ts';

const example = readFileSync(join(import.meta.dirname, '../../../examples/house.yaml'), 'utf8');

test('the example house is valid', () => {
  const house = readHouseFile('house.yaml', example);
  assert.ok(house.ok, house.ok ? '' : house.detail);
  assert.deepEqual(Object.keys(house.value.hosts), ['cloud', 'pve1', 'pve2']);
  assert.equal(house.value.guests.gaming?.ad_hoc, true);
});

/** The place (line and column of what is wrong) is found by the text that stands there. */
const faults: { name: string; change: [string, string]; at: string; says: RegExp }[] = [
  {
    name: 'an unknown member, with the near one',
    change: ['sleeps: true', 'sleep: true'],
    at: 'sleep: true',
    says: /sleep is not a known member\. Did you mean sleeps\?/,
  },
  {
    name: 'an unknown host of a guest',
    change: ['gaming: { host: pve2', 'gaming: { host: pve3'],
    at: 'host: pve3',
    says: /there is no host pve3\. Did you mean pve/,
  },
  {
    name: 'an unknown action of a runbook',
    change: ['guest.start, target: gaming', 'guest.strat, target: gaming'],
    at: 'action: guest.strat',
    says: /must be an action.*Did you mean guest\.start\?/,
  },
  {
    name: 'an unknown target of a runbook',
    change: ['guest.shutdown, target: devtop', 'guest.shutdown, target: devtp'],
    at: 'target: devtp',
    says: /there is no guest devtp\. Did you mean devtop\?/,
  },
  {
    name: 'a VMID that two guests have',
    change: ['vmid: 201', 'vmid: 200'],
    at: 'vmid: 200, ad_hoc',
    says: /websvcs has VMID 200 on pve2 already/,
  },
  {
    name: 'a duplicate key',
    change: ['title: the tower', 'title: the tower\n    title: another'],
    at: 'title: another',
    says: /unique/,
  },
  {
    name: 'a wrong type',
    change: ['order: 90', 'order: ninety'],
    at: 'order: ninety',
    says: /expected number/,
  },
  { name: 'a tag', change: ['vmid: 100', 'vmid: !!js/x 100'], at: '!!js/x', says: /tag/i },
  {
    name: 'a sleeper that nobody wakes',
    change: ['wake_via: pve1', '# nobody'],
    at: 'pve2:\n    title',
    says: /pve2 sleeps, so it needs wake_via/,
  },
  {
    name: 'a host that would wake itself',
    change: ['wake_via: pve1', 'wake_via: pve2'],
    at: 'wake_via: pve2',
    says: /cannot wake itself/,
  },
  {
    name: 'a guest on a host without Proxmox',
    change: ['router: { host: pve1', 'router: { host: cloud'],
    at: 'host: cloud',
    says: /cloud has no Proxmox/,
  },
  { name: 'a limit of another form', change: ['6/1h', '6 an hour'], at: 'power:', says: /6\/1h/ },
];

for (const { name, change, at, says } of faults) {
  test(`a fault is told with its place: ${name}`, () => {
    const text = example.replace(...change);
    assert.notEqual(text, example);
    const house = readHouseFile('house.yaml', text);
    assert.ok(!house.ok);
    const offset = text.indexOf(at);
    assert.notEqual(offset, -1);
    const before = text.slice(0, offset).split('\n');
    const place = `house.yaml:${before.length}:${before.at(-1)!.length + 1}:`;
    assert.match(house.detail ?? '', says);
    assert.ok(house.detail!.includes(place), `${place} is not in ${house.detail}`);
  });
}

test('a file that expands without end is refused', () => {
  const bomb = ['v: 1', 'a: &a [x, x, x, x, x, x, x, x, x]'];
  for (const [index, letter] of [...'bcdefgh'].entries()) {
    const before = 'abcdefgh'[index];
    bomb.push(`${letter}: &${letter} [${Array(9).fill(`*${before}`).join(', ')}]`);
  }
  const house = readHouseFile('house.yaml', bomb.join('\n'));
  assert.ok(!house.ok);
  assert.match(house.detail ?? '', /alias/i);
});

test('an empty file, a list and a text are refused in words', () => {
  for (const text of ['', '- a', 'hello', 'v: 1']) {
    const house = readHouseFile('house.yaml', text);
    assert.ok(!house.ok);
    assert.match(house.detail ?? '', /^house\.yaml:\d+:\d+: /);
  }
});

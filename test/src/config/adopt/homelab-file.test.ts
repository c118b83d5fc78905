import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { extendHomelab, newHomelab } from '../../../../src/config/adopt/homelab-file.ts';
import { changeHomelab, type ListedGuest } from '../../../../src/config/adopt/machines.ts';
import { readHomelab } from '../../../../src/config/read/homelab.ts';
import { repoOf } from '../../../support/repo-fixture.ts';

const box = { hosts: {}, guests: { box: { host: 'pve1', vmid: 101 } } };

const cases: Readonly<Record<string, readonly [before: string, after: string | null]>> = {
  'a block with comments': [
    'v: 1\nguests:\n  # the first\n  a: { host: pve1, vmid: 100 } # here\n\n# hosts\nhosts:\n  pve1: {}\n',
    'v: 1\nguests:\n  # the first\n  a: { host: pve1, vmid: 100 } # here\n  box: { host: pve1, vmid: 101 }\n\n# hosts\nhosts:\n  pve1: {}\n',
  ],
  'deeper members, four spaces, no newline at the end': [
    'v: 1\nhosts: {pve1: {}}\nguests:\n    a:\n        host: pve1\n        vmid: 100',
    'v: 1\nhosts: {pve1: {}}\nguests:\n    a:\n        host: pve1\n        vmid: 100\n    box: { host: pve1, vmid: 101 }\n',
  ],
  'no guests yet': [
    'v: 1\nhosts: { pve1: {} }\n',
    'v: 1\nhosts: { pve1: {} }\nguests:\n  box: { host: pve1, vmid: 101 }\n',
  ],
  'braces, over lines': [
    'v: 1\nhosts: { pve1: {} }\nguests: {\n  a: { host: pve1, vmid: 100 },\n}\n',
    'v: 1\nhosts: { pve1: {} }\nguests: {\n  a: { host: pve1, vmid: 100 }, box: { host: pve1, vmid: 101 }\n}\n',
  ],
  'empty braces': [
    'v: 1\nhosts: { pve1: {} }\nguests: {}\n',
    'v: 1\nhosts: { pve1: {} }\nguests: { box: { host: pve1, vmid: 101 } }\n',
  ],
  'a member with nothing': ['v: 1\nhosts: { pve1: {} }\nguests:\n', null],
  'all in braces': ['{ v: 1, hosts: { pve1: {} } }\n', null],
  'a document that ends': ['v: 1\nhosts: { pve1: {} }\n...\n', null],
};

for (const [name, [before, after]] of Object.entries(cases)) {
  test(`more machines: ${name}`, () => assert.equal(extendHomelab(before, box), after));
}

test('whatever stands there, it is kept whole or nothing is put in', () => {
  const comment = fc.constantFrom('', ' # here', '   ', ' # } ]');
  const guest = fc.constantFrom('{ host: pve1, vmid: 200 }', '\n      host: pve1\n      vmid: 200', '{}', '');
  const text = fc
    .tuple(
      fc.subarray(['a', 'b', 'c']),
      guest,
      comment,
      fc.constantFrom('\n', '\r\n', '\n\n', '\n# x\n'),
      fc.boolean(),
    )
    .map(([names, value, end, gap, last]) => {
      const guests = ['guests:', ...names.map((name) => `  ${name}: ${value}${end}`)].join(gap);
      const rest = 'hosts:\n  pve1: {}';
      return `v: 1\n${last ? `${rest}\n${guests}` : `${guests}\n${rest}`}${gap}`;
    });
  let done = 0;
  fc.assert(
    fc.property(text, (before) => {
      const after = extendHomelab(before, box);
      if (after === null) return;
      done += 1;
      const kept = after.replace(/\n? *box: \{ host: pve1, vmid: 101 \}\n?/, '');
      assert.equal(kept.replace(/\s/g, ''), before.replace(/\s/g, ''));
    }),
  );
  assert.ok(done > 30, `${done}`);
});

const listed: readonly ListedGuest[] = [
  { name: 'secsvcs', node: 'pve1', vmid: 101, kind: 'qemu', address: '192.168.20.12' },
  { name: 'Home Assistant', node: 'pve1', vmid: 102, kind: 'lxc' },
  { name: 'websvcs', node: 'PVE2.lan', vmid: 101, kind: 'qemu', address: '192.168.20.12' },
  { name: 'websvcs', node: 'PVE2.lan', vmid: 105, kind: 'qemu' },
];

test('guests that Proxmox VE lists come in by names that a house can have', () => {
  const { bytes, added, notes } = changeHomelab(new Map(), { name: 'secsvcs' }, listed, undefined);
  const text = new TextDecoder().decode(bytes);
  assert.equal(
    text,
    `v: 1
hosts:
  pve1: {}
  pve2-lan: {}
guests:
  secsvcs: { host: pve1, vmid: 101, address: 192.168.20.12 }
  home-assistant: { host: pve1, vmid: 102, kind: lxc }
  websvcs: { host: pve2-lan, vmid: 101 }
  websvcs-2: { host: pve2-lan, vmid: 105 }
`,
  );
  assert.deepEqual(readHomelab('homelab.yaml', bytes!).findings, []);
  assert.deepEqual([added.length, notes], [6, []]);
  // A guest that is there under another name is not added again.
  const repo = repoOf({ 'homelab.yaml': text.replace('home-assistant', 'ha') }).files;
  assert.equal(changeHomelab(repo, { name: 'secsvcs' }, listed, undefined).bytes, undefined);
});

test('the machine is the listed guest of its VMID, or of its name', () => {
  const own = changeHomelab(
    new Map(),
    { name: 'sec', host: 'pve1', vmid: 101, kind: 'lxc' },
    listed,
    undefined,
  );
  assert.match(new TextDecoder().decode(own.bytes), /sec: \{ host: pve1, vmid: 101, kind: lxc, address/);
  assert.ok(!own.added.includes('secsvcs'));
  const none = changeHomelab(new Map(), { name: 'cloud', address: '10.0.0.1' }, listed, 'example.net');
  assert.match(
    new TextDecoder().decode(none.bytes),
    /^v: 1\nsite: .*\nhosts:\n(.*\n)* {2}cloud: \{ proxmox: false, address: 10/,
  );
  assert.deepEqual(
    none.notes.map(({ code }) => code),
    ['machine_assumed'],
  );
});

test('a new file says no more than it must', () => {
  assert.equal(newHomelab({ hosts: { a: {} }, guests: {} }, undefined), 'v: 1\nhosts:\n  a: {}\n');
});

test('a guest that is called like a host gets another name', () => {
  const twins: readonly ListedGuest[] = [
    { name: 'pve2', node: 'pve1', vmid: 101, kind: 'qemu' },
    { name: 'x', node: 'pve2', vmid: 102, kind: 'qemu' },
  ];
  const { bytes } = changeHomelab(new Map(), { name: 'x' }, twins, undefined);
  assert.deepEqual(readHomelab('homelab.yaml', bytes!).findings, []);
  assert.match(new TextDecoder().decode(bytes), /pve2-2: \{ host: pve1, vmid: 101 \}/);
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import { type HouseFileInput, houseFileSchema, houseOf } from '../../../schema/manifest/house.ts';

/** A house in as few words as it can be said. */
const file: HouseFileInput = {
  v: 1,
  hosts: {
    cloud: { proxmox: false },
    pve1: {},
    pve2: {
      title: 'the tower',
      mac: '02:00:00:AA:00:02',
      wake_via: 'pve1',
      wake_address: '192.0.2.255',
      sleeps: true,
    },
  },
  guests: {
    router: { host: 'pve1', vmid: 100 },
    cache: { host: 'pve1', vmid: 101, kind: 'lxc' },
    gaming: { host: 'pve2', vmid: 102, ad_hoc: true, exclusive: ['gpu0'], in_use: 'sessions', agent: false },
  },
  runbooks: {
    'start-gaming': { title: 'Start the gaming PC', steps: [{ action: 'guest.start', target: 'gaming' }] },
  },
};
const isAccepted = (value: unknown): boolean => v.is(houseFileSchema, value);

describe('the house file', () => {
  test('is completed by what is usual', () => {
    const { guests, hosts, runbooks, limits } = v.parse(houseFileSchema, file);
    assert.deepEqual(hosts.pve1, { proxmox: true, sleeps: false });
    assert.equal(hosts.pve2?.mac, '02:00:00:aa:00:02');
    assert.deepEqual(guests.router, {
      host: 'pve1',
      kind: 'qemu',
      vmid: 100,
      ad_hoc: false,
      exclusive: [],
      order: 50,
      in_use: 'never',
    });
    assert.deepEqual(runbooks['start-gaming']?.steps, [
      { action: 'guest.start', target: 'gaming', params: {}, even_if_failed: false },
    ]);
    assert.deepEqual(limits, { power: '6/1h', guests: '20/1h' });
    assert.ok(isAccepted({ v: 1, hosts: {} }));
  });

  test('becomes the facts of a trust document', () => {
    const house = houseOf(v.parse(houseFileSchema, file));
    assert.ok(house.ok);
    assert.deepEqual(house.value, {
      hosts: {
        cloud: { proxmox: false, sleeps: false },
        pve1: { proxmox: true, sleeps: false },
        pve2: {
          title: 'the tower',
          proxmox: true,
          mac: '02:00:00:aa:00:02',
          wake_via: 'pve1',
          wake_address: '192.0.2.255',
          sleeps: true,
        },
      },
      guests: {
        router: {
          host: 'pve1',
          kind: 'qemu',
          vmid: 100,
          exclusive: [],
          order: 50,
          in_use: 'never',
          agent: true,
        },
        // a container has no QEMU agent
        cache: {
          host: 'pve1',
          kind: 'lxc',
          vmid: 101,
          exclusive: [],
          order: 50,
          in_use: 'never',
          agent: false,
        },
        gaming: {
          host: 'pve2',
          kind: 'qemu',
          vmid: 102,
          exclusive: ['gpu0'],
          order: 50,
          in_use: 'sessions',
          agent: false,
        },
      },
    });
  });

  const host = (changes: object) => ({
    ...file,
    hosts: { ...file.hosts, pve2: { ...file.hosts.pve2, ...changes } },
  });
  const guest = (changes: object) => ({
    ...file,
    guests: { ...file.guests, gaming: { ...file.guests?.gaming, ...changes } },
  });
  const steps = (value: unknown) => ({ ...file, runbooks: { play: { title: 'Play', steps: value } } });
  const step = { action: 'guest.start', target: 'gaming' };

  for (const [what, value] of Object.entries({
    'no object': 'hosts',
    'a list': [file],
    nothing: null,
    'another version': { ...file, v: 2 },
    'no version': { hosts: {} },
    'no hosts': { v: 1 },
    'a list of hosts': { ...file, hosts: [{ title: 'the tower' }] },
    'an empty list of guests': { ...file, guests: [] },
    'a misspelt section': { ...file, guest: {} },
    'a name in capitals': { ...file, hosts: { ...file.hosts, PVE3: {} } },
    'a name with a space': { ...file, hosts: { ...file.hosts, 'pve 3': {} } },
    'a name that every object has': { ...file, hosts: { ...file.hosts, constructor: {} } },
    'a host without members': { ...file, hosts: { ...file.hosts, pve3: null } },
    'a MAC of five bytes': host({ mac: '02:00:00:00:00' }),
    'a MAC with dashes': host({ mac: '02-00-00-00-00-02' }),
    'a MAC that YAML read as a number': host({ mac: 20000000002 }),
    'a broadcast name': host({ wake_address: 'broadcast' }),
    'an address beyond 255': host({ wake_address: '192.0.2.256' }),
    'sleeps as a text': host({ sleeps: 'yes' }),
    'a misspelt member of a host': host({ sleep: true }),
    'a guest without its host': guest({ host: undefined }),
    'a guest without its VMID': guest({ vmid: undefined }),
    'a VMID below 100': guest({ vmid: 99 }),
    'a VMID as a text': guest({ vmid: '102' }),
    'a VMID with a fraction': guest({ vmid: 102.5 }),
    'another kind of guest': guest({ kind: 'docker' }),
    'another sign of use': guest({ in_use: 'always' }),
    'a resource that is no list': guest({ exclusive: 'gpu0' }),
    'too many resources': guest({ exclusive: Array(17).fill('gpu0') }),
    'a negative order': guest({ order: -1 }),
    'a member of another file': guest({ image: 'debian' }),
    'a runbook without steps': steps([]),
    'a runbook of too many steps': steps(Array(61).fill(step)),
    'a runbook that is a list': { ...file, runbooks: [step] },
    'a runbook without a title': { ...file, runbooks: { play: { steps: [step] } } },
    'an unknown action': steps([{ ...step, action: 'guest.explode' }]),
    'an action that every object has': steps([{ ...step, action: 'constructor' }]),
    'a step without a target': steps([{ action: 'guest.start' }]),
    'a step with a shell command': steps([{ ...step, run: 'reboot' }]),
    'parameters as a list': steps([{ ...step, params: [] }]),
    'a mirror without https': { ...file, mirror: 'http://example.net/trust' },
    'a mirror that is no address': { ...file, mirror: 'example.net' },
    'two alarms in one': { ...file, alarm: { ntfy: 'https://a.net/x', webhook: 'https://a.net/y' } },
    'an alarm by mail': { ...file, alarm: { mail: 'me@example.net' } },
    'an alarm with a password': { ...file, alarm: { ntfy: 'https://me:secret@example.net/x' } },
    'a limit in words': { ...file, limits: { power: 'often' } },
    'a limit of nothing': { ...file, limits: { power: '0/1h' } },
    'an unknown limit': { ...file, limits: { wakes: '6/1h' } },
  })) {
    test(`is refused with ${what}`, () => {
      assert.equal(isAccepted(value), false);
    });
  }

  test('a runbook may hold commands of apps', () => {
    const step = { action: 'app.command', target: 'gaming/wiki/reindex' };
    const runbooks = { play: { title: 'Play', steps: [step] } };
    assert.ok(houseOf(v.parse(houseFileSchema, { ...file, runbooks })).ok);
  });

  test('a runbook whose step nobody could take is refused with the reason', () => {
    for (const [other, why] of [
      [{ action: 'guest.start', target: 'macos' }, /runbook play: there is no guest macos/],
      [{ action: 'app.command', target: 'macos/wiki/reindex' }, /runbook play: there is no guest macos/],
      [{ action: 'app.command', target: 'gaming' }, /runbook play: gaming is no command of an app/],
      [
        { action: 'guest.start', target: 'gaming/wiki/reindex' },
        /runbook play: there is no guest gaming\/wiki/,
      ],
      [{ action: 'host.wake', target: 'pve1' }, /runbook play: no relay is named that could wake pve1/],
      [{ action: 'host.shutdown', target: 'cloud' }, /runbook play: cloud has no Proxmox/],
      [{ action: 'guest.start', target: 'pve2' }, /there is no guest pve2/],
      [{ ...step, params: { force: true } }, /parameters of guest.start do not fit/],
      [
        { action: 'guest.shutdown', target: 'gaming', params: { timeout_s: 5 } },
        /parameters of guest.shutdown do not fit/,
      ],
    ] as const) {
      const parsed = v.safeParse(houseFileSchema, steps([step, other]));
      assert.ok(parsed.success, JSON.stringify(other));
      const house = houseOf(parsed.output);
      assert.equal(house.ok ? 'accepted' : house.reason, 'house_invalid');
      assert.match(house.ok ? '' : (house.detail ?? ''), why);
    }
  });
});

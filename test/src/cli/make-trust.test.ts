import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { allActions } from '../../../schema/actions/index.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { findGrant } from '../../../schema/trust/evaluate.ts';
import { acceptNextTrust, signTrust } from '../../../schema/trust/read.ts';
import { admitRelays, changeHouse } from '../../../src/cli/make-trust.ts';
import { type Fixture, homeId, makeFixture, now } from './home-fixture.ts';

let home: Fixture;
before(async () => {
  home = await makeFixture();
});

test('the controller may order what is ad hoc or sleeps, and nothing else', () => {
  const allowed = new Set<string>();
  const { hosts, guests } = home.trust.document.house;
  for (const { type } of allActions) {
    for (const target of [...Object.keys(hosts), ...Object.keys(guests)]) {
      if (findGrant(home.trust, 'controller', type, target) !== null) allowed.add(`${type}@${target}`);
    }
  }
  const expected = ['host.wake@pve2', 'host.shutdown@pve2'];
  for (const guest of ['gaming', 'devtop', 'macos']) {
    for (const verb of ['start', 'shutdown', 'suspend', 'resume']) expected.push(`guest.${verb}@${guest}`);
  }
  assert.deepEqual([...allowed].sort(), expected.sort());
});

test('the operator may order every action on everything that it can be done on', () => {
  const { house } = home.trust.document;
  let pairs = 0;
  for (const action of allActions) {
    for (const target of Object.keys(action.on === 'host' ? house.hosts : house.guests)) {
      const can = action.relayFor(house, target).ok;
      assert.equal(
        findGrant(home.trust, 'operator', action.type, target) !== null,
        can,
        `${action.type} ${target}`,
      );
      pairs += 1;
    }
  }
  assert.ok(pairs > 60);
});

const statement = (
  relay: string,
  jwk: { kty: 'OKP'; crv: 'Ed25519'; x: string },
  guests: object[],
  macs: string[] = [],
) => ({
  home: homeId,
  relay,
  code: 'enr_01JD8Q3S5T7V9W0X1Y2Z3A4B5C',
  trust: home.trust.digest,
  jwk,
  facts: {
    hostname: relay,
    macs,
    guests: guests as { vmid: number; kind: 'qemu' | 'lxc'; name: string; identity: string }[],
  },
});

test('admitting a relay adopts the guests that the house names, and only these', async () => {
  const { jwk } = home.relays.pve2;
  const found = [
    { vmid: 200, kind: 'qemu', name: 'web', identity: 'uuid-200' },
    { vmid: 201, kind: 'lxc', name: 'gaming', identity: 'volume-201' },
    { vmid: 999, kind: 'qemu', name: 'stranger', identity: 'uuid-999' },
  ];
  const { document, notes } = admitRelays(home.trust, [statement('pve2', jwk, found)], now + 1);
  const { guests } = document.house;
  assert.equal(guests.websvcs?.identity, 'uuid-200');
  assert.equal(guests.gaming?.identity, undefined, 'the house says that it is a VM');
  assert.equal(guests.devtop?.identity, undefined);
  assert.deepEqual(Object.keys(guests), Object.keys(home.trust.document.house.guests));
  assert.deepEqual(
    notes.map(({ text }) => text.split(':')[0]),
    [
      'VMID 201 on pve2 is lxc, the house says qemu',
      'pve2 has no guest with VMID 202',
      'pve2 has no guest with VMID 203',
    ],
  );
  assert.equal(document.version, home.trust.document.version + 1);
  const next = await acceptNextTrust(home.trust, await signTrust(document, [home.root]));
  assert.ok(next.ok, next.ok ? '' : next.detail);
});

test('a guest that was adopted keeps its identity when another one stands in its place', () => {
  const { jwk } = home.relays.pve2;
  const first = admitRelays(
    home.trust,
    [statement('pve2', jwk, [{ vmid: 201, kind: 'qemu', name: 'gaming', identity: 'mine' }])],
    now,
  );
  const second = admitRelays(
    { document: first.document, digest: home.trust.digest },
    [statement('pve2', jwk, [{ vmid: 201, kind: 'qemu', name: 'gaming', identity: 'another' }])],
    now,
  );
  assert.equal(second.document.house.guests.gaming?.identity, 'mine');
  assert.ok(
    second.notes.some(({ text }) => text.includes('gaming (VMID 201) is not the guest that was adopted')),
  );
});

test('a relay that brings another key, or not the MAC of the house file, is pointed out', async () => {
  const { signing } = await generateKey();
  const { notes, document } = admitRelays(
    home.trust,
    [statement('pve2', signing.jwk, [], ['02:00:00:00:00:99'])],
    now,
  );
  assert.ok(notes.some(({ text }) => text.includes('had a key already')));
  assert.ok(notes.some(({ text }) => text.includes('which it does not have')));
  assert.equal(document.house.hosts.pve2?.mac, home.trust.document.house.hosts.pve2?.mac);
});

test('a changed house keeps keys and identities, and follows the version before', async () => {
  const file = structuredClone(home.house);
  file.guests.macos!.vmid = 300;
  file.guests.gaming!.ad_hoc = false;
  const changed = changeHouse(home.trust, file, now + 1);
  assert.ok(changed.ok && changed.value.document !== null);
  const { document, notes } = changed.value;
  assert.ok(notes.some((text) => text.startsWith('macos has moved')));
  assert.deepEqual(document.identities.pve1, home.trust.document.identities.pve1);
  const next = await acceptNextTrust(home.trust, await signTrust(document, [home.root]));
  assert.ok(next.ok, next.ok ? '' : next.detail);
  assert.equal(findGrant(next.value, 'controller', 'guest.start', 'gaming'), null);
  assert.notEqual(findGrant(next.value, 'controller', 'guest.start', 'macos'), null);
});

test('a guest that was made anew is adopted by the identity that the house file gives', () => {
  const gaming = { ...home.house.guests.gaming!, identity: '99999999-9999-4999-8999-999999999999' };
  const file = { ...home.house, guests: { ...home.house.guests, gaming } };
  const changed = changeHouse(home.trust, file, now + 1);
  assert.ok(changed.ok && changed.value.document !== null);
  assert.equal(changed.value.document.house.guests.gaming?.identity, gaming.identity);
});

test('an unchanged house needs no new version', () => {
  const same = changeHouse(home.trust, home.house, now + 1);
  assert.ok(same.ok);
  assert.equal(same.value.document, null);
});

test('a host that leaves the house takes its relay with it', async () => {
  const file = structuredClone(home.house);
  delete file.hosts.cloud;
  const changed = changeHouse(home.trust, file, now + 1);
  assert.ok(changed.ok && changed.value.document !== null);
  assert.equal(changed.value.document.identities.cloud, undefined);
  const next = await acceptNextTrust(home.trust, await signTrust(changed.value.document, [home.root]));
  assert.ok(next.ok, next.ok ? '' : next.detail);
});

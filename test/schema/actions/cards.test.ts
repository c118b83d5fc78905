import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import { defaultPatienceS, defineAction, noParams, noResult } from '../../../schema/actions/action.ts';
import { actionOf, allActions } from '../../../schema/actions/index.ts';
import type { House } from '../../../schema/trust/document.ts';

const minuteMs = 60_000;

/** What an owner can rely on: how dangerous it is, who does it, what it holds, and how long it may take. */
const promises: Readonly<Record<string, readonly [string, string, string, string, number]>> = {
  'host.wake': ['low', 'does not matter', 'waker', 'shared', 15],
  'host.shutdown': ['medium', 'refuses', 'own relay', 'exclusive', 60],
  'host.shutdown-in-use': ['high', 'overrides', 'own relay', 'exclusive', 60],
  'host.reboot': ['medium', 'refuses', 'own relay', 'exclusive', 60],
  'host.reboot-in-use': ['high', 'overrides', 'own relay', 'exclusive', 60],
  'guest.start': ['low', 'does not matter', 'own relay', 'shared', 15],
  'guest.shutdown': ['medium', 'refuses', 'own relay', 'shared', 15],
  'guest.shutdown-in-use': ['high', 'overrides', 'own relay', 'shared', 15],
  'guest.stop': ['high', 'overrides', 'own relay', 'shared', 15],
  'guest.reboot': ['medium', 'refuses', 'own relay', 'shared', 15],
  'guest.reboot-in-use': ['high', 'overrides', 'own relay', 'shared', 15],
  'guest.suspend': ['medium', 'refuses', 'own relay', 'shared', 15],
  'guest.suspend-in-use': ['high', 'overrides', 'own relay', 'shared', 15],
  'guest.resume': ['low', 'does not matter', 'own relay', 'shared', 15],
  'guest.look': ['low', 'does not matter', 'own relay', 'shared', 15],
  'guest.prepare': ['high', 'does not matter', 'own relay', 'shared', 30],
  'app.command': ['medium', 'does not matter', 'own relay', 'shared', 135],
  'release.apply': ['medium', 'does not matter', 'own relay', 'shared', 30],
  'release.heal': ['medium', 'does not matter', 'own relay', 'shared', 30],
};

/** What a phone reads out after "The tower" when it is done, and when there was nothing to do. */
const sentences: Readonly<Record<string, readonly [done: string, already?: string]>> = {
  'host.wake': ['is awake; it took 41 s'],
  'host.shutdown': ['is off'],
  'host.shutdown-in-use': ['is off'],
  'host.reboot': ['has rebooted'],
  'host.reboot-in-use': ['has rebooted'],
  'guest.start': ['is running', 'was running already'],
  'guest.shutdown': ['is off', 'was off already'],
  'guest.shutdown-in-use': ['is off', 'was off already'],
  'guest.stop': ['is off', 'was off already'],
  'guest.reboot': ['has rebooted'],
  'guest.reboot-in-use': ['has rebooted'],
  'guest.suspend': ['is suspended', 'was suspended already'],
  'guest.suspend-in-use': ['is suspended', 'was suspended already'],
  'guest.resume': ['is running', 'was running already'],
  'guest.look': ['has all that releases need'],
  'guest.prepare': ['is prepared', 'was prepared already'],
  'app.command': ['has run; it took 41 s'],
  'release.apply': ['is up to date', 'was up to date already'],
  'release.heal': ['is as its release says again'],
};

describe('what each action promises', () => {
  test('its risk, what it does when its target is in use, who does it, what it holds, how long it lives', () => {
    const found = allActions.map(({ type, risk, inUse, doneBy, hostLock, lifetimeMs }) => [
      type,
      [risk, inUse, doneBy, hostLock, lifetimeMs / minuteMs],
    ]);
    assert.deepEqual(Object.fromEntries(found), promises);
  });

  test('the sentence that is read out when it is done, or was so already', () => {
    for (const { type, done } of allActions) {
      const told = [done({ already: false, took_ms: 41_000 }), done({ already: true, took_ms: 41_000 })];
      const [now, before = now] = sentences[type]!;
      assert.deepEqual(told, [now, before], type);
    }
  });
});

describe('who does an action', () => {
  const host = { proxmox: true, sleeps: false };
  const house: House = { hosts: { pve1: host, cloud: { ...host, proxmox: false } }, guests: {} };
  const refusal = (detail: string) => ({ ok: false, reason: 'target_unknown', detail });
  const relayFor = (type: string, target: string) => actionOf(type)!.relayFor(house, target);

  test('what cannot be its target is refused with the reason', () => {
    assert.deepEqual(relayFor('guest.start', 'gaming'), refusal('there is no guest gaming'));
    assert.deepEqual(relayFor('app.command', 'nas/wiki/reindex'), refusal('there is no guest nas'));
    const noCommand = 'nas is no command of an app, such as websvcs/wiki/reindex';
    assert.deepEqual(relayFor('app.command', 'nas'), refusal(noCommand));
    assert.deepEqual(relayFor('host.wake', 'nas'), refusal('there is no host nas'));
    assert.deepEqual(relayFor('host.shutdown', 'nas'), refusal('there is no host nas'));
    assert.deepEqual(relayFor('host.wake', 'pve1'), refusal('no relay is named that could wake pve1'));
    assert.deepEqual(relayFor('host.shutdown', 'cloud'), refusal('cloud has no Proxmox'));
    assert.deepEqual(relayFor('host.shutdown', 'pve1'), { ok: true, value: 'pve1' });
  });

  test('a guest that the house does not know holds itself alone', () => {
    assert.deepEqual(actionOf('guest.start')!.locksOf(house, 'gaming'), [
      { on: 'host:undefined', mode: 'shared' },
      { on: 'guest:gaming', mode: 'exclusive' },
    ]);
  });
});

test('a guest has three minutes to end by itself, unless told otherwise', () => {
  assert.equal(defaultPatienceS, 180);
});

test('threat 33: a waiting time is the one parameter of graceful actions', () => {
  for (const { type, acceptsParams, inUse } of allActions) {
    const isPatient = inUse !== 'does not matter' && !/^guest\.(stop|suspend)/.test(type);
    assert.equal(acceptsParams({ timeout_s: 60 }), isPatient, type);
  }
});

test('a list is never taken for parameters or a result', () => {
  const action = defineAction({
    type: 'guest.nothing',
    title: 'Nothing',
    risk: 'low',
    params: noParams,
    result: v.union([noResult, v.record(v.string(), v.number())]),
    doneBy: 'own relay',
    hostLock: 'shared',
    inUse: 'does not matter',
    verb: 'do',
    done: () => 'is done',
  });
  assert.deepEqual(
    [action.acceptsParams([]), action.acceptsResult([]), action.acceptsResult({})],
    [false, false, true],
  );
});

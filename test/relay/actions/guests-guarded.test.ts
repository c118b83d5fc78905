import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { ActionType } from '../../../schema/actions/index.ts';
import type { House } from '../../../schema/trust/document.ts';
import { observeAfter, perform, type Stage } from '../../support/perform.ts';
import { testHouse } from '../../support/relay-home.ts';
import { createStages, houseWith, ordersTo, running } from '../../support/stages.ts';

const stages = createStages();
afterEach(() => stages.close());

const guestActions = [
  'guest.start',
  'guest.shutdown',
  'guest.shutdown-in-use',
  'guest.stop',
  'guest.reboot',
  'guest.reboot-in-use',
  'guest.suspend',
  'guest.suspend-in-use',
  'guest.resume',
] as const satisfies readonly ActionType[];

describe('every action on a guest', () => {
  it('leaves alone a guest that is not adopted, or is another than the adopted one', async () => {
    const stage = await stages.open({ 102: running, 110: running });
    const { identity: _, ...unadopted } = testHouse.guests.gaming!;
    const cases: readonly (readonly [House, string, string])[] = [
      [{ ...testHouse, guests: { ...testHouse.guests, gaming: unadopted } }, 'gaming', 'guest_not_adopted'],
      [houseWith('gaming', { identity: '99999999-9999-4999-8999-999999999999' }), 'gaming', 'guest_mismatch'],
      [houseWith('files', { identity: 'local-lvm:vm-111-disk-0' }), 'files', 'guest_mismatch'],
      [houseWith('gaming', { vmid: 999 }), 'gaming', 'guest_missing'],
    ];
    for (const type of guestActions) {
      for (const [house, target, code] of cases) {
        assert.partialDeepStrictEqual(
          await perform({ ...stage, house }, type, target),
          { refused: code },
          type,
        );
      }
    }
    assert.deepEqual(ordersTo(stage.tower), []);
  });

  it('knows a guest whose UUID is written in capitals in trust', async () => {
    const stage = await stages.open();
    const house = houseWith('gaming', { identity: '22222222-2222-4222-8222-222222222222'.toUpperCase() });
    const done = await perform({ ...stage, house }, 'guest.stop', 'gaming');
    assert.equal('outcome' in done && done.outcome.state, 'succeeded');
  });

  it('is refused with its reason when Proxmox cannot be asked', async () => {
    const stage = await stages.open({ 102: running });
    const { simulator } = stage.tower;
    const codes: readonly (readonly [string, () => void])[] = [
      ['proxmox_proxy_error', () => addAnswer(595, 'Connection refused')],
      ['proxmox_forbidden', () => addAnswer(403, 'Permission check failed (/vms/102, VM.Audit)')],
      ['proxmox_error', () => addAnswer(500, 'something else')],
      ['proxmox_bad_answer', () => simulator.faults.add({ fault: { kind: 'garbage' }, times: 99 })],
      ['proxmox_unreachable', () => simulator.faults.add({ fault: { kind: 'cut' }, times: 99 })],
    ];
    const addAnswer = (status: number, reason: string) =>
      simulator.faults.add({ fault: { kind: 'answer', status, reason }, times: 99 });
    for (const [code, breakIt] of codes) {
      breakIt();
      for (const type of guestActions) {
        assert.partialDeepStrictEqual(await perform(stage, type, 'gaming'), { refused: code }, type);
      }
      simulator.faults.clear();
    }
    await simulator.changeCertificate();
    for (const type of guestActions) {
      assert.partialDeepStrictEqual(
        await perform(stage, type, 'gaming'),
        { refused: 'proxmox_certificate_changed' },
        type,
      );
    }
    assert.deepEqual(ordersTo(stage.tower), []);
  });

  it('is refused when the token is wrong, Proxmox is down, or there is none', async () => {
    const wrong = await stages.open({ 102: running }, 'writ@pve!relay=wrong');
    const down = await stages.open();
    await down.tower.simulator.powerOff();
    for (const type of guestActions) {
      assert.partialDeepStrictEqual(
        await perform(wrong, type, 'gaming'),
        { refused: 'proxmox_unauthorized' },
        type,
      );
      assert.partialDeepStrictEqual(
        await perform(down, type, 'gaming'),
        { refused: 'proxmox_unreachable' },
        type,
      );
      assert.partialDeepStrictEqual(await perform({ time: stages.time, tower: null }, type, 'gaming'), {
        refused: 'proxmox_not_configured',
      });
    }
  });

  it('waits for a slow Proxmox', async () => {
    const stage = await stages.open({ 102: running });
    stage.tower.simulator.faults.add({ fault: { kind: 'slow', ms: 20_000 }, times: 3 });
    const done = await perform(stage, 'guest.stop', 'gaming');
    assert.equal('outcome' in done && done.outcome.state, 'succeeded');
  });

  it('fails with the reason when the order is forbidden, and does nothing', async () => {
    const stage = await stages.open({ 102: running, 103: { running: false } });
    stage.tower.simulator.faults.add({
      fault: { kind: 'answer', status: 403, reason: 'Permission check failed (/vms/102, VM.PowerMgmt)' },
      method: 'POST',
      path: /status\//,
      times: 99,
    });
    for (const type of ['guest.shutdown', 'guest.stop', 'guest.reboot', 'guest.suspend'] as const) {
      assert.partialDeepStrictEqual(
        await perform(stage, type, 'gaming'),
        { outcome: { state: 'failed', code: 'proxmox_forbidden' } },
        type,
      );
    }
    assert.equal(stage.tower.simulator.guest(102).running, true);
  });
});

describe('after a crash, observe', () => {
  it('says what is true, changes nothing, and is unknown where the effect may still come', async () => {
    const on = await stages.open({ 102: running });
    const off = await stages.open();
    const paused = await stages.open({ 102: running });
    paused.tower.simulator.guest(102).paused = true;
    const done = (result: Record<string, boolean>) => ({ state: 'succeeded', result });
    const unknown = { state: 'unknown', code: 'interrupted' };
    const table: readonly (readonly [ActionType, Stage, object])[] = [
      ['guest.start', on, done({ already: false })],
      ['guest.start', off, unknown],
      ['guest.shutdown', off, done({ already: false })],
      ['guest.shutdown', on, unknown],
      ['guest.shutdown-in-use', off, done({ already: false })],
      ['guest.stop', off, done({ already: false })],
      ['guest.stop', on, unknown],
      ['guest.suspend', paused, done({ already: false })],
      ['guest.suspend', on, unknown],
      ['guest.suspend-in-use', paused, done({ already: false })],
      ['guest.resume', on, done({ already: false })],
      ['guest.resume', paused, unknown],
      ['guest.reboot', off, unknown],
      ['guest.reboot-in-use', off, unknown],
    ];
    for (const [type, stage, expected] of table) {
      assert.deepEqual(await observeAfter(stage, type, 'gaming'), expected, type);
    }
    for (const stage of [on, off, paused]) assert.deepEqual(ordersTo(stage.tower), []);
  });

  it('tells a guest that has rebooted since from one that has not', async () => {
    const stage = await stages.open({ 102: running });
    // The guest is younger than the step, as a reboot leaves it; the wall clock here is not the fast one.
    assert.deepEqual(await observeAfter(stage, 'guest.reboot', 'gaming', { agoMs: 3_600_000 }), {
      state: 'succeeded',
      result: {},
    });
    assert.deepEqual(await observeAfter(stage, 'guest.reboot', 'gaming', { agoMs: 0 }), {
      state: 'unknown',
      code: 'interrupted',
    });
  });

  it('is unknown with the reason when Proxmox does not answer or the guest is another', async () => {
    const stage = await stages.open({ 102: running });
    const house = houseWith('gaming', { identity: '99999999-9999-4999-8999-999999999999' });
    assert.partialDeepStrictEqual(await observeAfter({ ...stage, house }, 'guest.start', 'gaming'), {
      state: 'unknown',
      code: 'guest_mismatch',
    });
    await stage.tower.simulator.powerOff();
    assert.partialDeepStrictEqual(await observeAfter(stage, 'guest.start', 'gaming'), {
      state: 'unknown',
      code: 'proxmox_unreachable',
    });
  });

  it('gives an interrupted start what is left of the agent’s time', async () => {
    const stage = await stages.open({ 102: { agent: { enabled: true, answersAfterMs: 30_000 } } });
    await stage.tower.proxmox.start({ kind: 'qemu', vmid: 102 });
    assert.deepEqual(await observeAfter(stage, 'guest.start', 'gaming', { agoMs: 1_000 }), {
      state: 'succeeded',
      result: { already: false },
    });
    const silent = await stages.open({
      102: { agent: { enabled: true, answersAfterMs: Number.POSITIVE_INFINITY } },
    });
    await silent.tower.proxmox.start({ kind: 'qemu', vmid: 102 });
    assert.deepEqual(await observeAfter(silent, 'guest.start', 'gaming', { agoMs: 119_000 }), {
      state: 'failed',
      code: 'agent_silent',
    });
  });
});

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { ActionType } from '../../../schema/actions/index.ts';
import type { House } from '../../../schema/trust/document.ts';
import { observeAfter, perform, type Stage } from '../../support/perform.ts';
import type { GuestSpec } from '../../support/proxmox/options.ts';
import { fastTime, startTower, type Tower } from '../../support/relay.ts';
import { testHouse } from '../../support/relay-home.ts';

const time = fastTime(100);
const towers: Tower[] = [];

async function stageOf(
  changes: Readonly<Record<number, Partial<GuestSpec>>> = {},
  token?: string,
): Promise<Stage & { readonly tower: Tower }> {
  const tower = await startTower(time, changes, token);
  towers.push(tower);
  return { time, tower };
}

const houseWith = (name: string, change: Partial<House['guests'][string]>): House => {
  const guest = testHouse.guests[name];
  if (guest === undefined) throw new Error(`no guest ${name}`);
  return { ...testHouse, guests: { ...testHouse.guests, [name]: { ...guest, ...change } } };
};

afterEach(async () => {
  for (const tower of towers.splice(0)) {
    assert.deepEqual(tower.simulator.violations, []);
    await tower.close();
  }
});

const orders = (tower: Tower): string[] =>
  tower.simulator.requests
    .filter(({ method, path }) => method === 'POST' && !path.includes('/agent/'))
    .map(({ path }) => path.split('/').slice(3).join('/'));

const running = { running: true } as const;

describe('guest.start', () => {
  it('starts a VM, waits for its agent, and says so', async () => {
    const stage = await stageOf({ 102: { agent: { enabled: true, answersAfterMs: 20_000 } } });
    const began = time.clock.uptimeMs();
    const done = await perform(stage, 'guest.start', 'gaming');
    assert.deepEqual(done, {
      outcome: { state: 'succeeded', result: { already: false } },
      phases: ['waiting'],
    });
    assert.ok(time.clock.uptimeMs() - began >= 20_000, 'it waited for the agent');
  });

  it('starts a container, which has no agent', async () => {
    const stage = await stageOf();
    assert.deepEqual(await perform(stage, 'guest.start', 'files'), {
      outcome: { state: 'succeeded', result: { already: false } },
      phases: [],
    });
    assert.equal(stage.tower.simulator.guest(110).running, true);
  });

  it('succeeds at once when the guest runs already, and orders nothing', async () => {
    const stage = await stageOf({ 102: running, 110: running });
    for (const target of ['gaming', 'files']) {
      const done = await perform(stage, 'guest.start', target);
      assert.deepEqual('outcome' in done && done.outcome, { state: 'succeeded', result: { already: true } });
    }
    assert.deepEqual(orders(stage.tower), []);
  });

  it('fails with agent_silent when the agent never answers, though the guest runs', async () => {
    const stage = await stageOf({
      102: { agent: { enabled: true, answersAfterMs: Number.POSITIVE_INFINITY } },
    });
    const done = await perform(stage, 'guest.start', 'gaming');
    assert.deepEqual('outcome' in done && done.outcome, { state: 'failed', code: 'agent_silent' });
    assert.equal(stage.tower.simulator.guest(102).running, true);
  });

  it('is refused while another holder of its exclusive resource runs, or is paused', async () => {
    const stage = await stageOf({ 103: running });
    assert.partialDeepStrictEqual(await perform(stage, 'guest.start', 'gaming'), {
      refused: 'exclusive_busy',
    });
    stage.tower.simulator.guest(103).paused = true;
    assert.partialDeepStrictEqual(await perform(stage, 'guest.start', 'gaming'), {
      refused: 'exclusive_busy',
    });
    assert.deepEqual(orders(stage.tower), []);
  });

  it('takes a rival that Proxmox does not know for one that does not run', async () => {
    const stage = await stageOf();
    const house = houseWith('devtop', { vmid: 999 });
    const done = await perform({ ...stage, house }, 'guest.start', 'gaming');
    assert.equal('outcome' in done && done.outcome.state, 'succeeded');
  });

  it('is refused on a suspended guest', async () => {
    const stage = await stageOf({ 102: running });
    stage.tower.simulator.guest(102).paused = true;
    assert.partialDeepStrictEqual(await perform(stage, 'guest.start', 'gaming'), { refused: 'guest_paused' });
  });

  it('fails with the lock that a backup holds', async () => {
    const stage = await stageOf();
    stage.tower.simulator.guest(102).lock = 'snapshot';
    const done = await perform(stage, 'guest.start', 'gaming');
    assert.partialDeepStrictEqual(done, { outcome: { state: 'failed', code: 'guest_locked' } });
  });

  it('believes its eyes when the answer to its order is lost', async () => {
    const stage = await stageOf();
    stage.tower.simulator.faults.add({
      fault: { kind: 'lost_answer' },
      method: 'POST',
      path: /status\/start$/,
    });
    const done = await perform(stage, 'guest.start', 'gaming');
    assert.deepEqual('outcome' in done && done.outcome, { state: 'succeeded', result: { already: false } });
    assert.deepEqual(
      orders(stage.tower),
      ['102/status/start'].map((path) => `qemu/${path}`),
    );
  });

  it('says unknown when an order was cut off and its effect does not show', async () => {
    const stage = await stageOf();
    stage.tower.simulator.faults.add({ fault: { kind: 'cut' }, method: 'POST', path: /status\/start$/ });
    const done = await perform(stage, 'guest.start', 'gaming');
    assert.partialDeepStrictEqual(done, { outcome: { state: 'unknown', code: 'proxmox_unreachable' } });
  });
});

describe('guest.shutdown', () => {
  it('shuts a VM and a container down', async () => {
    const stage = await stageOf({ 102: running, 110: running });
    for (const target of ['gaming', 'files']) {
      const done = await perform(stage, 'guest.shutdown', target);
      assert.deepEqual(done, {
        outcome: { state: 'succeeded', result: { already: false } },
        phases: ['waiting'],
      });
    }
    assert.deepEqual(
      stage.tower.simulator.events.filter(({ kind }) => kind === 'guest_cut'),
      [],
    );
  });

  it('succeeds when the guest is off already', async () => {
    const stage = await stageOf();
    for (const target of ['gaming', 'files']) {
      const done = await perform(stage, 'guest.shutdown', target);
      assert.deepEqual('outcome' in done && done.outcome, { state: 'succeeded', result: { already: true } });
    }
  });

  it('asks again when the first request was lost while the guest booted', async () => {
    const stage = await stageOf({ 102: { ...running, ignoresShutdown: true } });
    const { simulator } = stage.tower;
    time.simulator.after(45_000, () => {
      simulator.guest(102).ignoresShutdown = false;
    });
    const done = await perform(stage, 'guest.shutdown', 'gaming');
    assert.deepEqual('outcome' in done && done.outcome, { state: 'succeeded', result: { already: false } });
    assert.ok(orders(stage.tower).length >= 2, 'it was asked more than once');
  });

  it('fails with guest_did_not_stop after its patience, and never cuts the power', async () => {
    const stage = await stageOf({ 102: { ...running, ignoresShutdown: true } });
    const began = time.clock.uptimeMs();
    const done = await perform(stage, 'guest.shutdown', 'gaming', { timeout_s: 40 });
    assert.deepEqual('outcome' in done && done.outcome, { state: 'failed', code: 'guest_did_not_stop' });
    const tookMs = time.clock.uptimeMs() - began;
    assert.ok(tookMs >= 40_000 && tookMs < 80_000, `${tookMs} ms`);
    assert.equal(stage.tower.simulator.guest(102).running, true);
    assert.ok(orders(stage.tower).every((path) => path.endsWith('/shutdown')));
  });

  it('is refused while somebody is logged in', async () => {
    const stage = await stageOf({ 102: { ...running, users: [{ user: 'anna' }] } });
    assert.partialDeepStrictEqual(await perform(stage, 'guest.shutdown', 'gaming'), { refused: 'in_use' });
    assert.deepEqual(orders(stage.tower), []);
  });

  it('is refused while the agent does not answer, is not configured, or answers nonsense', async () => {
    const silent = await stageOf({
      102: { ...running, agent: { enabled: true, answersAfterMs: Number.POSITIVE_INFINITY } },
      103: { ...running, agent: { enabled: false } },
    });
    for (const target of ['gaming', 'devtop']) {
      assert.partialDeepStrictEqual(await perform(silent, 'guest.shutdown', target), { refused: 'in_use' });
    }
    const hostile = await stageOf({ 102: running });
    hostile.tower.simulator.guest(102).usersAnswer = 'nobody, I swear';
    assert.partialDeepStrictEqual(await perform(hostile, 'guest.shutdown', 'gaming'), { refused: 'in_use' });
  });

  it('takes a container of which trust says `sessions` for in use while it runs', async () => {
    const stage = await stageOf({ 110: running });
    const house = houseWith('files', { in_use: 'sessions' });
    assert.partialDeepStrictEqual(await perform({ ...stage, house }, 'guest.shutdown', 'files'), {
      refused: 'in_use',
    });
  });

  it('does not ask who is logged in where trust says `never`', async () => {
    const stage = await stageOf({ 100: { ...running, users: [{ user: 'anna' }] } });
    const done = await perform(stage, 'guest.shutdown', 'websvcs');
    assert.equal('outcome' in done && done.outcome.state, 'succeeded');
  });

  it('its -in-use form does the same without asking', async () => {
    const stage = await stageOf({ 102: { ...running, users: [{ user: 'anna' }] } });
    const done = await perform(stage, 'guest.shutdown-in-use', 'gaming');
    assert.deepEqual('outcome' in done && done.outcome, { state: 'succeeded', result: { already: false } });
  });

  it('is refused on a suspended guest, which could not hear it', async () => {
    const stage = await stageOf({ 102: running });
    stage.tower.simulator.guest(102).paused = true;
    for (const type of ['guest.shutdown', 'guest.shutdown-in-use'] as const) {
      assert.partialDeepStrictEqual(await perform(stage, type, 'gaming'), { refused: 'guest_paused' });
    }
  });

  it('fails at once when a backup locks the guest, and waits out a busy configuration', async () => {
    const stage = await stageOf({ 100: running, 110: running });
    stage.tower.simulator.guest(100).lock = 'backup';
    assert.partialDeepStrictEqual(await perform(stage, 'guest.shutdown', 'websvcs'), {
      outcome: { state: 'failed', code: 'guest_locked' },
    });
    stage.tower.simulator.faults.add({
      fault: { kind: 'config_locked' },
      method: 'POST',
      path: /shutdown$/,
      times: 2,
    });
    const done = await perform(stage, 'guest.shutdown', 'files');
    assert.equal('outcome' in done && done.outcome.state, 'succeeded');
  });

  it('ends soon when the relay stops, and says that it was interrupted', async () => {
    const stage = await stageOf({ 102: { ...running, ignoresShutdown: true } });
    const stop = new AbortController();
    time.simulator.after(5_000, () => stop.abort());
    const done = await perform({ ...stage, signal: stop.signal }, 'guest.shutdown', 'gaming');
    assert.deepEqual('outcome' in done && done.outcome, { state: 'unknown', code: 'interrupted' });
  });
});

describe('guest.stop', () => {
  it('cuts the power of a guest that runs, is in use, or is suspended', async () => {
    const stage = await stageOf({
      102: { ...running, users: [{ user: 'anna' }] },
      100: running,
      110: running,
    });
    stage.tower.simulator.guest(100).paused = true;
    for (const target of ['gaming', 'websvcs', 'files']) {
      const done = await perform(stage, 'guest.stop', target);
      assert.deepEqual('outcome' in done && done.outcome, { state: 'succeeded', result: { already: false } });
    }
    assert.equal(stage.tower.simulator.events.filter(({ kind }) => kind === 'guest_cut').length, 3);
  });

  it('succeeds when the guest is off already', async () => {
    const stage = await stageOf();
    for (const target of ['gaming', 'files']) {
      const done = await perform(stage, 'guest.stop', target);
      assert.deepEqual('outcome' in done && done.outcome, { state: 'succeeded', result: { already: true } });
    }
  });
});

describe('guest.reboot', () => {
  it('reboots a VM and a container', async () => {
    const stage = await stageOf({ 102: running, 110: running });
    for (const target of ['gaming', 'files']) {
      const done = await perform(stage, 'guest.reboot', target);
      assert.deepEqual(done, { outcome: { state: 'succeeded', result: {} }, phases: ['waiting'] });
    }
    for (const vmid of [102, 110]) {
      const kinds = stage.tower.simulator.events
        .filter((event) => event.vmid === vmid)
        .map(({ kind }) => kind);
      assert.deepEqual(kinds, ['guest_started', 'guest_stopped', 'guest_started']);
    }
  });

  it('is refused while in use, off or suspended', async () => {
    const stage = await stageOf({ 102: { ...running, users: [{ user: 'anna' }] }, 100: running });
    stage.tower.simulator.guest(100).paused = true;
    assert.partialDeepStrictEqual(await perform(stage, 'guest.reboot', 'gaming'), { refused: 'in_use' });
    assert.partialDeepStrictEqual(await perform(stage, 'guest.reboot', 'devtop'), {
      refused: 'guest_not_running',
    });
    assert.partialDeepStrictEqual(await perform(stage, 'guest.reboot', 'websvcs'), {
      refused: 'guest_paused',
    });
    const done = await perform(stage, 'guest.reboot-in-use', 'gaming');
    assert.equal('outcome' in done && done.outcome.state, 'succeeded');
  });

  it('fails when the guest does not go down', async () => {
    const stage = await stageOf({ 102: { ...running, ignoresShutdown: true } });
    const done = await perform(stage, 'guest.reboot', 'gaming', { timeout_s: 10 });
    assert.deepEqual('outcome' in done && done.outcome, { state: 'failed', code: 'guest_did_not_stop' });
  });
});

describe('guest.suspend and guest.resume', () => {
  it('pauses and resumes a VM, each also when it is so already', async () => {
    const stage = await stageOf({ 102: running });
    const expected: readonly (readonly [ActionType, boolean])[] = [
      ['guest.suspend', false],
      ['guest.suspend', true],
      ['guest.resume', false],
      ['guest.resume', true],
    ];
    for (const [type, already] of expected) {
      const done = await perform(stage, type, 'gaming');
      assert.deepEqual('outcome' in done && done.outcome, { state: 'succeeded', result: { already } }, type);
    }
  });

  it('does not pause what is in use, is off, or is a container', async () => {
    const stage = await stageOf({ 102: { ...running, users: [{ user: 'anna' }] }, 110: running });
    assert.partialDeepStrictEqual(await perform(stage, 'guest.suspend', 'gaming'), { refused: 'in_use' });
    assert.partialDeepStrictEqual(await perform(stage, 'guest.suspend', 'devtop'), {
      refused: 'guest_not_running',
    });
    assert.partialDeepStrictEqual(await perform(stage, 'guest.suspend', 'files'), {
      refused: 'not_for_containers',
    });
    const done = await perform(stage, 'guest.suspend-in-use', 'gaming');
    assert.deepEqual('outcome' in done && done.outcome, { state: 'succeeded', result: { already: false } });
  });

  it('does not resume what is off, nor next to a running holder of its resource', async () => {
    const stage = await stageOf({ 102: running });
    const { simulator } = stage.tower;
    assert.partialDeepStrictEqual(await perform(stage, 'guest.resume', 'devtop'), {
      refused: 'guest_not_running',
    });
    simulator.guest(102).paused = true;
    simulator.guest(103).running = true;
    assert.partialDeepStrictEqual(await perform(stage, 'guest.resume', 'gaming'), {
      refused: 'exclusive_busy',
    });
    assert.deepEqual(orders(stage.tower), []);
  });
});

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
    const stage = await stageOf({ 102: running, 110: running });
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
    assert.deepEqual(orders(stage.tower), []);
  });

  it('knows a guest whose UUID is written in capitals in trust', async () => {
    const stage = await stageOf();
    const house = houseWith('gaming', { identity: '22222222-2222-4222-8222-222222222222'.toUpperCase() });
    const done = await perform({ ...stage, house }, 'guest.stop', 'gaming');
    assert.equal('outcome' in done && done.outcome.state, 'succeeded');
  });

  it('is refused with its reason when Proxmox cannot be asked', async () => {
    const stage = await stageOf({ 102: running });
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
    simulator.changeCertificate();
    for (const type of guestActions) {
      assert.partialDeepStrictEqual(
        await perform(stage, type, 'gaming'),
        { refused: 'proxmox_certificate_changed' },
        type,
      );
    }
    assert.deepEqual(orders(stage.tower), []);
  });

  it('is refused when the token is wrong, Proxmox is down, or there is none', async () => {
    const wrong = await stageOf({ 102: running }, 'writ@pve!relay=wrong');
    const down = await stageOf();
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
      assert.partialDeepStrictEqual(await perform({ time, tower: null }, type, 'gaming'), {
        refused: 'proxmox_not_configured',
      });
    }
  });

  it('waits for a slow Proxmox', async () => {
    const stage = await stageOf({ 102: running });
    stage.tower.simulator.faults.add({ fault: { kind: 'slow', ms: 20_000 }, times: 3 });
    const done = await perform(stage, 'guest.stop', 'gaming');
    assert.equal('outcome' in done && done.outcome.state, 'succeeded');
  });

  it('fails with the reason when the order is forbidden, and does nothing', async () => {
    const stage = await stageOf({ 102: running, 103: { running: false } });
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
    const on = await stageOf({ 102: running });
    const off = await stageOf();
    const paused = await stageOf({ 102: running });
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
    for (const stage of [on, off, paused]) assert.deepEqual(orders(stage.tower), []);
  });

  it('tells a guest that has rebooted since from one that has not', async () => {
    const stage = await stageOf({ 102: running });
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
    const stage = await stageOf({ 102: running });
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
    const stage = await stageOf({ 102: { agent: { enabled: true, answersAfterMs: 30_000 } } });
    await stage.tower.proxmox.start({ kind: 'qemu', vmid: 102 });
    assert.deepEqual(await observeAfter(stage, 'guest.start', 'gaming', { agoMs: 1_000 }), {
      state: 'succeeded',
      result: { already: false },
    });
    const silent = await stageOf({
      102: { agent: { enabled: true, answersAfterMs: Number.POSITIVE_INFINITY } },
    });
    await silent.tower.proxmox.start({ kind: 'qemu', vmid: 102 });
    assert.deepEqual(await observeAfter(silent, 'guest.start', 'gaming', { agoMs: 119_000 }), {
      state: 'failed',
      code: 'agent_silent',
    });
  });
});

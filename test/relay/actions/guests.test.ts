import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { defaultPatienceS } from '../../../schema/actions/action.ts';
import type { ActionType } from '../../../schema/actions/index.ts';
import { perform } from '../../support/perform.ts';
import { until } from '../../support/proxmox/until.ts';
import { createStages, houseWith, ordersTo, running } from '../../support/stages.ts';

const stages = createStages();
afterEach(() => stages.close());

describe('guest.start', () => {
  it('starts a VM, waits for its agent, and says so', async () => {
    const stage = await stages.open({ 102: { agent: { enabled: true, answersAfterMs: 20_000 } } });
    const began = stages.time.clock.uptimeMs();
    const done = await perform(stage, 'guest.start', 'gaming');
    assert.deepEqual(done, {
      outcome: { state: 'succeeded', result: { already: false } },
      phases: ['waiting'],
    });
    assert.ok(stages.time.clock.uptimeMs() - began >= 20_000, 'it waited for the agent');
  });

  it('starts a container, which has no agent', async () => {
    const stage = await stages.open();
    assert.deepEqual(await perform(stage, 'guest.start', 'files'), {
      outcome: { state: 'succeeded', result: { already: false } },
      phases: [],
    });
    assert.equal(stage.tower.simulator.guest(110).running, true);
  });

  it('succeeds at once when the guest runs already, and orders nothing', async () => {
    const stage = await stages.open({ 102: running, 110: running });
    for (const target of ['gaming', 'files']) {
      const done = await perform(stage, 'guest.start', target);
      assert.deepEqual('outcome' in done && done.outcome, { state: 'succeeded', result: { already: true } });
    }
    assert.deepEqual(ordersTo(stage.tower), []);
  });

  it('fails with agent_silent when the agent never answers, though the guest runs', async () => {
    const stage = await stages.open({
      102: { agent: { enabled: true, answersAfterMs: Number.POSITIVE_INFINITY } },
    });
    const done = await perform(stage, 'guest.start', 'gaming');
    assert.deepEqual('outcome' in done && done.outcome, { state: 'failed', code: 'agent_silent' });
    assert.equal(stage.tower.simulator.guest(102).running, true);
  });

  it('does not say failed of a start that it lost sight of', async () => {
    const stage = await stages.open({ 102: { startMs: 10_000 } });
    const fault = { kind: 'answer', status: 403, reason: 'Forbidden' } as const;
    stage.tower.simulator.faults.add({ fault, path: /\/tasks\//, times: 99 });
    assert.partialDeepStrictEqual(await perform(stage, 'guest.start', 'gaming'), {
      outcome: { state: 'succeeded', result: { already: false } },
    });
    stage.tower.simulator.faults.clear();
    const never = await stages.open({ 102: { startMs: 100_000 } });
    never.tower.simulator.faults.add({ fault, path: /\/tasks\//, times: 99 });
    assert.partialDeepStrictEqual(await perform(never, 'guest.start', 'gaming'), {
      outcome: { state: 'unknown', code: 'proxmox_forbidden' },
    });
  });

  it('is refused while another holder of its exclusive resource runs, or is paused', async () => {
    const stage = await stages.open({ 103: running });
    assert.partialDeepStrictEqual(await perform(stage, 'guest.start', 'gaming'), {
      refused: 'exclusive_busy',
    });
    stage.tower.simulator.guest(103).paused = true;
    assert.partialDeepStrictEqual(await perform(stage, 'guest.start', 'gaming'), {
      refused: 'exclusive_busy',
    });
    assert.deepEqual(ordersTo(stage.tower), []);
  });

  it('takes a rival that Proxmox does not know for one that does not run', async () => {
    const stage = await stages.open();
    const house = houseWith('devtop', { vmid: 999 });
    const done = await perform({ ...stage, house }, 'guest.start', 'gaming');
    assert.equal('outcome' in done && done.outcome.state, 'succeeded');
  });

  it('is refused on a suspended guest', async () => {
    const stage = await stages.open({ 102: running });
    stage.tower.simulator.guest(102).paused = true;
    assert.partialDeepStrictEqual(await perform(stage, 'guest.start', 'gaming'), { refused: 'guest_paused' });
  });

  it('fails with the lock that a backup holds', async () => {
    const stage = await stages.open();
    stage.tower.simulator.guest(102).lock = 'snapshot';
    const done = await perform(stage, 'guest.start', 'gaming');
    assert.partialDeepStrictEqual(done, { outcome: { state: 'failed', code: 'guest_locked' } });
  });

  it('believes its eyes when the answer to its order is lost', async () => {
    const stage = await stages.open();
    stage.tower.simulator.faults.add({
      fault: { kind: 'lost_answer' },
      method: 'POST',
      path: /status\/start$/,
    });
    const done = await perform(stage, 'guest.start', 'gaming');
    assert.deepEqual('outcome' in done && done.outcome, { state: 'succeeded', result: { already: false } });
    assert.deepEqual(
      ordersTo(stage.tower),
      ['102/status/start'].map((path) => `qemu/${path}`),
    );
  });

  it('says unknown when an order was cut off and its effect does not show', async () => {
    const stage = await stages.open();
    stage.tower.simulator.faults.add({ fault: { kind: 'cut' }, method: 'POST', path: /status\/start$/ });
    const done = await perform(stage, 'guest.start', 'gaming');
    assert.partialDeepStrictEqual(done, { outcome: { state: 'unknown', code: 'proxmox_unreachable' } });
  });
});

describe('guest.shutdown', () => {
  it('shuts a VM and a container down', async () => {
    const stage = await stages.open({ 102: running, 110: running });
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
    const stage = await stages.open();
    for (const target of ['gaming', 'files']) {
      const done = await perform(stage, 'guest.shutdown', target);
      assert.deepEqual('outcome' in done && done.outcome, { state: 'succeeded', result: { already: true } });
    }
  });

  it('asks again when the first request was lost while the guest booted', async () => {
    const stage = await stages.open({ 102: { ...running, ignoresShutdown: true } });
    const { simulator } = stage.tower;
    const performed = perform(stage, 'guest.shutdown', 'gaming', { timeout_s: 600 });
    await until('a second order', () => ordersTo(stage.tower).length >= 2);
    simulator.guest(102).ignoresShutdown = false;
    const done = await performed;
    assert.deepEqual('outcome' in done && done.outcome, { state: 'succeeded', result: { already: false } });
  });

  it('fails with guest_did_not_stop after its patience, and never cuts the power', async () => {
    const stage = await stages.open({ 102: { ...running, ignoresShutdown: true } });
    const began = stages.time.clock.uptimeMs();
    const done = await perform(stage, 'guest.shutdown', 'gaming', { timeout_s: 40 });
    assert.deepEqual('outcome' in done && done.outcome, { state: 'failed', code: 'guest_did_not_stop' });
    const tookMs = stages.time.clock.uptimeMs() - began;
    assert.ok(tookMs >= 40_000 && tookMs < defaultPatienceS * 1_000, `${tookMs} ms`);
    assert.equal(stage.tower.simulator.guest(102).running, true);
    assert.ok(ordersTo(stage.tower).every((path) => path.endsWith('/shutdown')));
  });

  it('is refused while somebody is logged in', async () => {
    const stage = await stages.open({ 102: { ...running, users: [{ user: 'anna' }] } });
    assert.partialDeepStrictEqual(await perform(stage, 'guest.shutdown', 'gaming'), { refused: 'in_use' });
    assert.deepEqual(ordersTo(stage.tower), []);
  });

  it('is refused while the agent does not answer, is not configured, or answers nonsense', async () => {
    const silent = await stages.open({
      102: { ...running, agent: { enabled: true, answersAfterMs: Number.POSITIVE_INFINITY } },
      103: { ...running, agent: { enabled: false } },
    });
    for (const target of ['gaming', 'devtop']) {
      assert.partialDeepStrictEqual(await perform(silent, 'guest.shutdown', target), { refused: 'in_use' });
    }
    const hostile = await stages.open({ 102: running });
    hostile.tower.simulator.guest(102).usersAnswer = 'nobody, I swear';
    assert.partialDeepStrictEqual(await perform(hostile, 'guest.shutdown', 'gaming'), { refused: 'in_use' });
  });

  it('takes a container of which trust says `sessions` for in use while it runs', async () => {
    const stage = await stages.open({ 110: running });
    const house = houseWith('files', { in_use: 'sessions' });
    assert.partialDeepStrictEqual(await perform({ ...stage, house }, 'guest.shutdown', 'files'), {
      refused: 'in_use',
    });
  });

  it('does not ask who is logged in where trust says `never`', async () => {
    const stage = await stages.open({ 100: { ...running, users: [{ user: 'anna' }] } });
    const done = await perform(stage, 'guest.shutdown', 'websvcs');
    assert.equal('outcome' in done && done.outcome.state, 'succeeded');
  });

  it('its -in-use form does the same without asking', async () => {
    const stage = await stages.open({ 102: { ...running, users: [{ user: 'anna' }] } });
    const done = await perform(stage, 'guest.shutdown-in-use', 'gaming');
    assert.deepEqual('outcome' in done && done.outcome, { state: 'succeeded', result: { already: false } });
  });

  it('is refused on a suspended guest, which could not hear it', async () => {
    const stage = await stages.open({ 102: running });
    stage.tower.simulator.guest(102).paused = true;
    for (const type of ['guest.shutdown', 'guest.shutdown-in-use'] as const) {
      assert.partialDeepStrictEqual(await perform(stage, type, 'gaming'), { refused: 'guest_paused' });
    }
  });

  it('fails at once when a backup locks the guest, and waits out a busy configuration', async () => {
    const stage = await stages.open({ 100: running, 110: running });
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
    const stage = await stages.open({ 102: { ...running, ignoresShutdown: true } });
    const stop = new AbortController();
    const performed = perform({ ...stage, signal: stop.signal }, 'guest.shutdown', 'gaming');
    await until('the order', () => ordersTo(stage.tower).length >= 1);
    stop.abort();
    const done = await performed;
    assert.deepEqual('outcome' in done && done.outcome, { state: 'unknown', code: 'interrupted' });
  });
});

describe('guest.stop', () => {
  it('cuts the power of a guest that runs, is in use, or is suspended', async () => {
    const stage = await stages.open({
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
    const stage = await stages.open();
    for (const target of ['gaming', 'files']) {
      const done = await perform(stage, 'guest.stop', target);
      assert.deepEqual('outcome' in done && done.outcome, { state: 'succeeded', result: { already: true } });
    }
  });
});

describe('guest.reboot', () => {
  it('reboots a VM and a container', async () => {
    const stage = await stages.open({ 102: running, 110: running });
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
    const stage = await stages.open({ 102: { ...running, users: [{ user: 'anna' }] }, 100: running });
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
    const stage = await stages.open({ 102: { ...running, ignoresShutdown: true } });
    const done = await perform(stage, 'guest.reboot', 'gaming', { timeout_s: 10 });
    assert.deepEqual('outcome' in done && done.outcome, { state: 'failed', code: 'guest_did_not_stop' });
  });
});

describe('guest.suspend and guest.resume', () => {
  it('pauses and resumes a VM, each also when it is so already', async () => {
    const stage = await stages.open({ 102: running });
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
    const stage = await stages.open({ 102: { ...running, users: [{ user: 'anna' }] }, 110: running });
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
    const stage = await stages.open({ 102: running });
    const { simulator } = stage.tower;
    assert.partialDeepStrictEqual(await perform(stage, 'guest.resume', 'devtop'), {
      refused: 'guest_not_running',
    });
    simulator.guest(102).paused = true;
    simulator.guest(103).running = true;
    assert.partialDeepStrictEqual(await perform(stage, 'guest.resume', 'gaming'), {
      refused: 'exclusive_busy',
    });
    assert.deepEqual(ordersTo(stage.tower), []);
  });
});

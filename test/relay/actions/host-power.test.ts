import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { House } from '../../../schema/trust/document.ts';
import { observeAfter, perform, type Stage } from '../../support/perform.ts';
import type { Tower } from '../../support/relay.ts';
import { testHouse } from '../../support/relay-home.ts';
import { createStages, houseWith, running, type TowerStage } from '../../support/stages.ts';

const stages = createStages();
const { time } = stages;
afterEach(() => stages.close());

const stopped = (tower: Tower): number[] =>
  tower.simulator.events.flatMap(({ kind, vmid }) =>
    kind === 'guest_stopped' && vmid !== undefined ? [vmid] : [],
  );
const nodeOrders = (tower: Tower): string[] =>
  tower.simulator.requests
    .filter(({ method, path }) => method === 'POST' && path === '/nodes/pve2/status')
    .map(({ params }) => params.command ?? '');

describe('host.shutdown', () => {
  const all = { 100: running, 102: running, 110: running };

  it('shuts the guests down in order, verifies, announces, and powers the host off', async () => {
    const stage = await stages.open(all);
    const off = stage.tower.simulator.nextEvent('powered_off');
    const announced: number[] = [];
    const announcePowerOff = async () => {
      announced.push(...stopped(stage.tower));
      return { ok: true, value: true } as const;
    };
    const done = await perform({ ...stage, announcePowerOff }, 'host.shutdown', 'pve2');
    assert.deepEqual('outcome' in done && done.outcome, { state: 'pending_boot' });
    assert.deepEqual(
      announced,
      [102, 110, 100],
      'every guest is off before it is announced, lower orders first',
    );
    await off;
    assert.deepEqual(nodeOrders(stage.tower), ['shutdown']);
    assert.deepEqual(
      stage.tower.simulator.events.filter(({ kind }) => kind === 'guest_cut'),
      [],
    );
  });

  it('reboots likewise', async () => {
    const stage = await stages.open({ 110: running });
    const done = await perform(stage, 'host.reboot', 'pve2');
    assert.deepEqual('outcome' in done && done.outcome, { state: 'pending_boot' });
    assert.deepEqual(nodeOrders(stage.tower), ['reboot']);
    assert.deepEqual(stopped(stage.tower), [110]);
  });

  it('leaves the host on when a guest survives, and the guests of higher orders running', async () => {
    const stage = await stages.open({ ...all, 110: { running: true, ignoresShutdown: true } });
    const done = await perform(stage, 'host.shutdown', 'pve2', { timeout_s: 10 });
    assert.partialDeepStrictEqual(done, {
      outcome: { state: 'failed', code: 'guests_survived', detail: 'files: guest_did_not_stop' },
    });
    assert.deepEqual(stopped(stage.tower), [102]);
    assert.deepEqual(nodeOrders(stage.tower), []);
  });

  it('is refused while one guest is in use; its -in-use form is not', async () => {
    const stage = await stages.open({ ...all, 102: { running: true, users: [{ user: 'anna' }] } });
    for (const type of ['host.shutdown', 'host.reboot'] as const) {
      assert.partialDeepStrictEqual(await perform(stage, type, 'pve2'), { refused: 'in_use' });
    }
    assert.deepEqual(stopped(stage.tower), []);
    const done = await perform(stage, 'host.shutdown-in-use', 'pve2');
    assert.deepEqual('outcome' in done && done.outcome, { state: 'pending_boot' });
  });

  /** A stage in which something happens at the first order to a guest. */
  const meanwhile = ({ tower, ...stage }: TowerStage, happens: () => void): TowerStage => {
    const shutdown: typeof tower.proxmox.shutdown = (guest, options) => {
      happens();
      return tower.proxmox.shutdown(guest, options);
    };
    return { ...stage, tower: { ...tower, proxmox: { ...tower.proxmox, shutdown } } };
  };

  it('looks again at each group when its turn comes: a guest in use or replaced by then keeps the host on', async () => {
    const house = houseWith('gaming', { order: 95 });
    const changes: readonly (readonly [string, (tower: Tower) => void])[] = [
      [
        'in_use',
        ({ simulator }) => {
          simulator.guest(102).users = [{ user: 'anna' }];
        },
      ],
      [
        'strangers_run',
        ({ simulator }) => {
          Object.assign(simulator.guest(102).spec, { uuid: '99999999-9999-4999-8999-999999999999' });
        },
      ],
    ];
    for (const [code, change] of changes) {
      const stage = await stages.open({ 100: running, 102: { ...running, agent: { enabled: true } } });
      const done = await perform(
        { ...meanwhile(stage, () => change(stage.tower)), house },
        'host.shutdown',
        'pve2',
      );
      assert.partialDeepStrictEqual(done, { outcome: { state: 'failed', code } });
      assert.deepEqual(stopped(stage.tower), [100]);
      assert.deepEqual(nodeOrders(stage.tower), []);
    }
  });

  it('is refused when a running guest is not adopted, or is suspended', async () => {
    const stage = await stages.open(all);
    const gaming = testHouse.guests.gaming!;
    const { identity: _, ...unadopted } = gaming;
    const house = { ...testHouse, guests: { ...testHouse.guests, gaming: unadopted } };
    for (const type of ['host.shutdown', 'host.shutdown-in-use'] as const) {
      assert.partialDeepStrictEqual(await perform({ ...stage, house }, type, 'pve2'), {
        refused: 'guest_not_adopted',
      });
    }
    stage.tower.simulator.guest(102).paused = true;
    assert.partialDeepStrictEqual(await perform(stage, 'host.shutdown-in-use', 'pve2'), {
      refused: 'guest_paused',
    });
    assert.deepEqual(nodeOrders(stage.tower), []);
  });

  it('is refused while guests run that are not of the house; its -in-use form leaves them to Proxmox', async () => {
    const { gaming, files } = testHouse.guests;
    const { gaming: _, ...others } = testHouse.guests;
    const houses: readonly (readonly [string, House['guests']])[] = [
      ['not named', others],
      ['named on another host', { ...testHouse.guests, gaming: { ...gaming!, host: 'pve1' } }],
      ['of another kind', { ...testHouse.guests, files: { ...files!, kind: 'qemu' } }],
      [
        'of another identity',
        { ...testHouse.guests, gaming: { ...gaming!, identity: '99999999-9999-4999-8999-999999999999' } },
      ],
    ];
    for (const [why, guests] of houses) {
      const stage = { ...(await stages.open(all)), house: { ...testHouse, guests } };
      const stranger = why === 'of another kind' ? 110 : 102;
      for (const type of ['host.shutdown', 'host.reboot'] as const) {
        assert.partialDeepStrictEqual(await perform(stage, type, 'pve2'), { refused: 'strangers_run' }, why);
      }
      assert.deepEqual(stopped(stage.tower), [], `${why}: nothing is done before`);
      const announced: number[] = [];
      const announcePowerOff = async () => {
        announced.push(...stopped(stage.tower));
        return { ok: true, value: true } as const;
      };
      const done = await perform({ ...stage, announcePowerOff }, 'host.shutdown-in-use', 'pve2');
      assert.deepEqual('outcome' in done && done.outcome, { state: 'pending_boot' }, why);
      assert.deepEqual(
        announced,
        [102, 110, 100].filter((vmid) => vmid !== stranger),
        why,
      );
      assert.deepEqual(nodeOrders(stage.tower), ['shutdown'], why);
    }
  });

  it('leaves the host on for a guest that is not of the house and was started behind its back', async () => {
    const { websvcs: _, ...guests } = testHouse.guests;
    const stage = await stages.open({ 102: running });
    const start = (): void => {
      stage.tower.simulator.guest(100).running = true;
    };
    const during = { ...meanwhile(stage, start), house: { ...testHouse, guests } };
    assert.partialDeepStrictEqual(await perform(during, 'host.shutdown', 'pve2'), {
      outcome: { state: 'failed', code: 'strangers_run' },
    });
    assert.deepEqual(nodeOrders(stage.tower), []);
  });

  it('leaves the host on when the journal cannot be written', async () => {
    const stage = await stages.open();
    const announcePowerOff = async () => ({ ok: false, reason: 'journal_unwritable' }) as const;
    const done = await perform({ ...stage, announcePowerOff }, 'host.shutdown', 'pve2');
    assert.partialDeepStrictEqual(done, { outcome: { state: 'failed', code: 'journal_unwritable' } });
    assert.deepEqual(nodeOrders(stage.tower), []);
  });

  it('notices a guest that was started behind its back', async () => {
    const stage = await stages.open({ 102: running });
    const start = (): void => {
      stage.tower.simulator.guest(100).running = true;
    };
    assert.partialDeepStrictEqual(await perform(meanwhile(stage, start), 'host.shutdown', 'pve2'), {
      outcome: { state: 'failed', code: 'guests_survived', detail: 'websvcs' },
    });
    assert.deepEqual(nodeOrders(stage.tower), []);
  });

  it('fails with the reason when Proxmox forbids it', async () => {
    const stage = await stages.open();
    stage.tower.simulator.faults.add({
      fault: { kind: 'answer', status: 403, reason: 'Permission check failed (/nodes/pve2, Sys.PowerMgmt)' },
      method: 'POST',
      path: /^\/nodes\/pve2\/status$/,
    });
    assert.partialDeepStrictEqual(await perform(stage, 'host.shutdown', 'pve2'), {
      outcome: { state: 'failed', code: 'proxmox_forbidden' },
    });
  });

  it('orders again when the answer may have been lost', async () => {
    const stage = await stages.open();
    stage.tower.simulator.faults.add({
      fault: { kind: 'cut' },
      method: 'POST',
      path: /^\/nodes\/pve2\/status$/,
    });
    const off = stage.tower.simulator.nextEvent('powered_off');
    const done = await perform(stage, 'host.shutdown', 'pve2');
    assert.deepEqual('outcome' in done && done.outcome, { state: 'pending_boot' });
    await off;
  });

  it('is refused when Proxmox is down, there is none, or the host is another', async () => {
    const stage = await stages.open();
    await stage.tower.simulator.powerOff();
    assert.partialDeepStrictEqual(await perform(stage, 'host.shutdown', 'pve2'), {
      refused: 'proxmox_unreachable',
    });
    assert.partialDeepStrictEqual(await perform({ time, tower: null }, 'host.shutdown', 'pve2'), {
      refused: 'proxmox_not_configured',
    });
    assert.partialDeepStrictEqual(await perform({ ...stage, relay: 'pve1' }, 'host.shutdown', 'pve2'), {
      refused: 'relay_wrong',
    });
  });

  it('is observed by the boot: another one after the announcement means that it went down', async () => {
    const stage: Stage = { time, tower: null };
    const unknown = { state: 'unknown', code: 'interrupted' };
    for (const type of [
      'host.shutdown',
      'host.shutdown-in-use',
      'host.reboot',
      'host.reboot-in-use',
    ] as const) {
      const observe = (rebooted: boolean, powerOffAnnounced: boolean) =>
        observeAfter(stage, type, 'pve2', { rebooted, powerOffAnnounced });
      assert.deepEqual(await observe(true, true), { state: 'succeeded', result: {} });
      assert.deepEqual(await observe(false, true), unknown);
      assert.deepEqual(await observe(true, false), unknown);
      assert.deepEqual(await observe(false, false), unknown);
    }
  });
});

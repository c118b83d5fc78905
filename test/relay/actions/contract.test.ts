import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ActionType, commandActions } from '../../../schema/actions/index.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { partWith, putInForce, reindex, reindexOn } from '../../support/app-commands.ts';
import { createDebianMachine, type DebianMachine } from '../../support/debian-machine.ts';
import { type FakeApi, startFakeApi } from '../../support/fake-api.ts';
import type { GuestSpec } from '../../support/proxmox/options.ts';
import {
  type FastTime,
  fastTime,
  startTestRelay,
  startTower,
  type TestRelay,
  type Tower,
} from '../../support/relay.ts';
import {
  type IntentOptions,
  makeTestHome,
  type TestHome,
  type TestIntent,
} from '../../support/relay-home.ts';

/** How a guest stands before each action that changes it. */
const before: Readonly<Record<string, 'stopped' | 'running' | 'paused'>> = {
  'guest.start': 'stopped',
  'guest.resume': 'paused',
};

type Scene = {
  readonly time: FastTime;
  readonly home: TestHome;
  readonly api: FakeApi;
  readonly tower: Tower;
  /** What gaming is inside. */
  readonly machine: DebianMachine;
  /** What was done: tasks and node commands that reached Proxmox, magic packets, programs that were run in the guest. */
  effects(): number;
  relay: TestRelay;
  order(options?: IntentOptions & { params?: Record<string, unknown> }): Promise<TestIntent>;
  offer(intent: TestIntent): void;
  /** Stops the relay as a crash would leave it, and starts it from the same folder. */
  restart(): Promise<void>;
};

/** Everything that one action needs, from the API to the simulated Proxmox, torn down afterwards. */
async function play(type: ActionType, act: (scene: Scene) => Promise<void>): Promise<void> {
  const time = fastTime(25);
  const name = type === 'host.wake' ? 'pve1' : 'pve2';
  const target = type === 'app.command' ? reindexOn('gaming') : type.startsWith('host.') ? 'pve2' : 'gaming';
  let home: TestHome | null = null;
  const api = await startFakeApi({ home: () => home! });
  home = await makeTestHome({ origins: [{ url: api.url, spki: api.spki }], controllerMay: [] });
  const state = before[type] ?? 'running';
  const gaming: Partial<GuestSpec> = { running: state !== 'stopped' };
  const tower = await startTower(time, { 102: gaming });
  tower.simulator.guest(102).paused = state === 'paused';
  const machine = createDebianMachine();
  putInForce(machine.files, await partWith([reindex], 'gaming'));
  let packets = 0;
  const overrides = {
    proxmox: name === 'pve2' ? tower.proxmox : null,
    machineOf: () => machine,
    wake: {
      async send() {
        packets += 1;
        return { ok: true, value: null } as const;
      },
    },
  };
  const start = (stateDir?: string) =>
    startTestRelay({ home: home!, relay: name, time, overrides, ...(stateDir && { stateDir }) });
  const scene: Scene = {
    time,
    home,
    api,
    tower,
    machine,
    effects: () =>
      packets +
      machine.runs +
      tower.simulator.requests.filter(({ method, path }) => method === 'POST' && !path.includes('/agent/'))
        .length,
    relay: await start(),
    order: ({ params = {}, ...options } = {}) =>
      home!.intent([{ relay: name, action: type, target, params }], options),
    offer: (intent) => api.offer({ relay: name, intent }),
    async restart() {
      await scene.relay.stop();
      scene.relay = await start(scene.relay.stateDir);
    },
  };
  try {
    await scene.relay.until('connected');
    await act(scene);
    assert.deepEqual(api.violations, []);
    assert.deepEqual(tower.simulator.violations, []);
  } finally {
    await scene.relay.discard();
    await tower.close();
    await api.close();
  }
}

/** Lets the woken host's own relay, whose key the home holds, report to the waking one. */
async function reportWaking({ home, api, time }: Scene): Promise<void> {
  const tower = await startTestRelay({ home, relay: 'pve2', time });
  const { jws } = await api.until('a report of the woken host', () =>
    api.reports.findLast(({ relay }) => relay === 'pve2'),
  );
  api.evidence = [jws];
  await tower.discard();
}

/** The end of a step that went well, however long its action takes to tell. */
async function finish(scene: Scene, type: ActionType, intent: TestIntent) {
  await scene.api.until('that it began', () =>
    scene.api.receipts.find(({ receipt }) => receipt.intent === intent.digest && receipt.state === 'started'),
  );
  if (type === 'host.wake') await reportWaking(scene);
  else if (type.startsWith('host.')) {
    await scene.api.until('that the host goes down', () =>
      scene.tower.simulator.requests.some(
        ({ method, path }) => `${method} ${path}` === 'POST /nodes/pve2/status',
      ),
    );
    await scene.relay.stop();
    scene.time.boot = 'boot-2';
    await scene.restart();
  }
  return scene.api.outcome(intent);
}

describe('every action that an intent may hold', () => {
  for (const { type: name } of commandActions) {
    const type = name as ActionType;
    describe(type, () => {
      it('is refused by an identity that was not granted it, and to a stranger without a word', () =>
        play(type, async (scene) => {
          const { home, api } = scene;
          const byController = await scene.order({ by: home.controller });
          scene.offer(byController);
          assert.partialDeepStrictEqual(await api.outcome(byController), {
            state: 'refused',
            code: 'not_granted',
          });
          const byStranger = await scene.order({ by: (await generateKey()).signing });
          scene.offer(byStranger);
          await scene.relay.until('job_dropped', ({ fields }) => fields.code === 'authorisation_invalid');
          assert.ok(api.receipts.every(({ receipt }) => receipt.intent !== byStranger.digest));
          assert.equal(scene.effects(), 0);
        }));

      it('is refused with parameters that it does not know', () =>
        play(type, async (scene) => {
          for (const params of [{ force: true }, { timeout_s: '60' }, { timeout_s: 1 }]) {
            const intent = await scene.order({ params });
            scene.offer(intent);
            assert.partialDeepStrictEqual(await scene.api.outcome(intent), {
              state: 'refused',
              code: 'params_invalid',
            });
          }
          assert.equal(scene.effects(), 0);
        }));

      it('is done once, whatever jobs bring it and however often', () =>
        play(type, async (scene) => {
          const intent = await scene.order();
          scene.offer(intent);
          const receipt = await finish(scene, type, intent);
          assert.equal(receipt.state, 'succeeded', JSON.stringify(receipt));
          const effects = scene.effects();
          assert.ok(effects > 0);
          const receipts = scene.api.receipts.length;
          scene.offer(intent);
          scene.offer(intent);
          await scene.restart();
          const polls = scene.api.polls.length;
          scene.offer(intent);
          await scene.api.until('that the last job was seen', () =>
            scene.api.polls.slice(polls).some(({ seen }) => seen > 0),
          );
          await scene.relay.idle();
          assert.equal(scene.effects(), effects, 'nothing was done again');
          assert.equal(scene.api.receipts.length, receipts, 'no further receipt was written');
        }));

      it('after a crash in the middle is observed, and never run again', () =>
        play(type, async (scene) => {
          // The order reaches Proxmox, and the relay dies before any answer.
          const struck = scene.tower.simulator.faults.add({
            fault: { kind: 'silent' },
            method: 'POST',
            path: /\/status(\/[a-z]+)?$/,
            times: 99,
          });
          // Or it runs a program in the guest.
          let hung = 0;
          scene.machine.before = (words) => {
            if (!/^(apt-get|\/bin\/sh -c)/.test(words) && type !== 'guest.look') return Promise.resolve();
            hung += 1;
            return new Promise(() => {});
          };
          const intent = await scene.order();
          scene.offer(intent);
          const attempts = () => struck() + hung + (type === 'host.wake' ? scene.effects() : 0);
          await scene.api.until('that it acts', () => attempts() > 0);
          const before = attempts();
          await scene.restart();
          if (type === 'host.wake') await reportWaking(scene);
          const receipt = await scene.api.outcome(intent);
          if (type === 'host.wake') assert.equal(receipt.state, 'succeeded');
          else assert.partialDeepStrictEqual(receipt, { state: 'unknown', code: 'interrupted' });
          const states = scene.api.receipts
            .filter((entry) => entry.receipt.intent === intent.digest)
            .map((entry) => entry.receipt.state);
          assert.deepEqual(states, ['started', receipt.state]);
          assert.equal(attempts(), before, 'it was not ordered again');
        }));
    });
  }
});

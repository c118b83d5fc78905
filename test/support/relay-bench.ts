import assert from 'node:assert/strict';
import type { RelayOverrides } from '../../relay/overrides.ts';
import type { TrustDocument } from '../../schema/trust/document.ts';
import { type FakeApi, startFakeApi } from './fake-api.ts';
import { type Inbox, startInbox } from './inbox.ts';
import { type FastTime, fastTime, startTestRelay, startTower, type TestRelay, type Tower } from './relay.ts';
import { makeTestHome, type TestHome } from './relay-home.ts';

/** The tower's relay between a fake API and a simulated Proxmox, with an inbox for alarms and as a mirror. */
export type RelayBench = {
  /** To be set before `start`, where a test wants another. */
  time: FastTime;
  home: TestHome;
  readonly api: FakeApi;
  readonly inbox: Inbox;
  readonly tower: Tower;
  /** To be given back by `close`. */
  readonly relays: TestRelay[];
  homeWith(options: {
    alarm?: TrustDocument['alarm'];
    mirror?: string;
    relays?: string[];
    expires?: string;
  }): Promise<TestHome>;
  start(overrides?: RelayOverrides, stateDir?: string): Promise<TestRelay>;
  close(): Promise<void>;
};

export async function openBench(): Promise<RelayBench> {
  const inbox = await startInbox();
  const api: FakeApi = await startFakeApi({ home: () => bench.home });
  // Slow enough that the deadlines of steps hold on a busy machine, too.
  const time = fastTime(20);
  const tower = await startTower(time);
  const homeWith: RelayBench['homeWith'] = (options) =>
    makeTestHome({
      origins: [{ url: api.url, spki: api.spki }],
      alarm: { ntfy: `${inbox.url}/topic` },
      ...options,
    });
  const bench: RelayBench = {
    time,
    home: await homeWith({}),
    api,
    inbox,
    tower,
    relays: [],
    homeWith,
    async start(overrides = {}, stateDir) {
      const relay = await startTestRelay({
        home: bench.home,
        relay: 'pve2',
        time: bench.time,
        overrides: { proxmox: tower.proxmox, ...overrides },
        ...(stateDir !== undefined && { stateDir }),
      });
      bench.relays.push(relay);
      return relay;
    },
    async close() {
      // All of them first: one that was restarted shares its folder with the one before.
      await Promise.allSettled(bench.relays.map((relay) => relay.stop()));
      const ended = await Promise.allSettled([
        ...bench.relays.splice(0).map((relay) => relay.discard()),
        tower.close(),
        api.close(),
        inbox.close(),
      ]);
      for (const end of ended) if (end.status === 'rejected') throw end.reason;
      assert.deepEqual(api.violations, []);
      assert.deepEqual(tower.simulator.violations, []);
    },
  };
  return bench;
}

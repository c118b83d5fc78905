import assert from 'node:assert/strict';
import type { RelayOverrides } from '../../relay/overrides.ts';
import type { TargetReport } from '../../schema/wire/report.ts';
import { type FakeApi, startFakeApi } from './fake-api.ts';
import { createMemoryMachine, type MemoryMachine } from './memory-machine.ts';
import { type FastTime, fastTime, startTestRelay, startTower, type TestRelay, type Tower } from './relay.ts';
import { makeTestHome, type ReleaseOptions, type TestHome, type TestRelease } from './relay-home.ts';
import type { TestPart } from './test-part.ts';

/** What releases may touch there. */
export const releasePaths = ['/etc/containers/systemd/**', '/etc/opt/**'];

/** A relay with a guest on which releases are in force, and the API that it asks. */
export type ReleaseScene = {
  readonly time: FastTime;
  readonly home: TestHome;
  readonly api: FakeApi;
  readonly tower: Tower;
  readonly machine: MemoryMachine;
  relay: TestRelay;
  /** Gives the API the bytes of a part, and an order for it. */
  deploy(part: TestPart, options?: ReleaseOptions): Promise<TestRelease>;
  outcome(release: TestRelease): Promise<string>;
  /** What the relay reports of the guest, once it is as wanted. */
  reported(fits: (report: TargetReport) => boolean): Promise<TargetReport>;
  restart(): Promise<void>;
};

/** A relay with a guest that trust lets the operator release to, from the API's blobs to the guest's services. */
export async function playReleases(
  act: (scene: ReleaseScene) => Promise<void>,
  more: RelayOverrides = {},
): Promise<void> {
  const time = fastTime(25);
  let home: TestHome | null = null;
  const api = await startFakeApi({ home: () => home! });
  home = await makeTestHome({
    origins: [{ url: api.url, spki: api.spki }],
    releases: [{ action: 'release.apply', on: ['websvcs', 'files'], paths: releasePaths }],
    controllerMay: [{ action: 'release.apply', on: ['websvcs'], limit: '9/1h', paths: ['/**'] }],
  });
  const tower = await startTower(time, { 100: { running: true } });
  const machine = createMemoryMachine();
  const overrides: RelayOverrides = { proxmox: tower.proxmox, machineOf: () => machine, ...more };
  const start = (stateDir?: string) =>
    startTestRelay({
      home: home!,
      relay: 'pve2',
      time,
      overrides,
      ...(stateDir && { stateDir }),
    });
  const scene: ReleaseScene = {
    time,
    home,
    api,
    tower,
    machine,
    relay: await start(),
    async deploy(part, options) {
      for (const [digest, bytes] of part.blobs) api.blobs.set(digest, bytes);
      const release = await home!.release([{ digest: part.digest }], options);
      api.offer({ relay: 'pve2', intent: release });
      return release;
    },
    async outcome(release) {
      const { state, code } = await api.outcome(release);
      return code === null ? state : `${state} ${code}`;
    },
    reported: (fits) =>
      api.until('the wanted report of websvcs', () => {
        const report = api.reports.at(-1)?.report.targets?.websvcs;
        return report !== undefined && fits(report) && report;
      }),
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

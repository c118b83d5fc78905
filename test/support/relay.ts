import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../relay/agent/clock.ts';
import { type ProxmoxConfig, writeConfig } from '../../relay/agent/config.ts';
import { nodeDisk } from '../../relay/agent/node-disk.ts';
import { createState } from '../../relay/agent/state-files.ts';
import { createHttpsClient } from '../../relay/drivers/https-client.ts';
import { createProxmox, type Proxmox } from '../../relay/drivers/proxmox.ts';
import { createLog, type LogEntry } from '../../relay/log.ts';
import type { RelayOverrides } from '../../relay/overrides.ts';
import { type RunningRelay, startRelay } from '../../relay/start.ts';
import type { GuestSpec, SimulatorClock } from './proxmox/options.ts';
import { type ProxmoxSimulator, startProxmoxSimulator } from './proxmox/simulator.ts';
import type { TestHome } from './relay-home.ts';
import { createWatch } from './watch.ts';

export const testToken = 'writ@pve!relay=00000000-0000-4000-8000-000000000001';

/**
 * Time in which everything takes its due, many times faster. The wall clock stays the real one, because
 * signatures are judged by it; the boot's id is the test's to change.
 */
export type FastTime = {
  readonly clock: Clock;
  readonly simulator: SimulatorClock;
  boot: string;
  /** How many times faster; pauses that have begun keep their length. */
  speed: number;
};

export function fastTime(initialSpeed: number): FastTime {
  let speed = initialSpeed;
  let changedAt = performance.now();
  let passedBefore = 0;
  const passed = (): number => passedBefore + (performance.now() - changedAt) * speed;
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms / speed);
      signal?.addEventListener('abort', done);
    });
  const time: FastTime = {
    boot: 'boot-1',
    get speed() {
      return speed;
    },
    set speed(next) {
      passedBefore = passed();
      changedAt = performance.now();
      speed = next;
    },
    clock: {
      now: () => Date.now(),
      uptimeMs: () => 1_000_000 + passed(),
      bootId: () => time.boot,
      synchronised: async () => true,
      sleep,
    },
    simulator: {
      now: () => 1_760_000_000_000 + passed(),
      after(ms, callback) {
        if (!Number.isFinite(ms)) return () => {};
        const timer = setTimeout(callback, ms / speed);
        return () => clearTimeout(timer);
      },
    },
  };
  return time;
}

/** The guests of the test house as their Proxmox has them. */
export const towerGuests = (changes: Readonly<Record<number, Partial<GuestSpec>>> = {}): GuestSpec[] => {
  const guests: GuestSpec[] = [
    { vmid: 100, kind: 'qemu', name: 'websvcs', uuid: '11111111-1111-4111-8111-111111111111', agent },
    {
      vmid: 102,
      kind: 'qemu',
      name: 'gaming',
      uuid: '22222222-2222-4222-8222-222222222222',
      agent,
      exclusive: 'gpu',
    },
    {
      vmid: 103,
      kind: 'qemu',
      name: 'devtop',
      uuid: '33333333-3333-4333-8333-333333333333',
      agent,
      exclusive: 'gpu',
    },
    { vmid: 110, kind: 'lxc', name: 'files', rootfs: 'local-lvm:vm-110-disk-0' },
  ];
  return guests.map((guest) => ({ ...guest, ...changes[guest.vmid] }));
};
const agent = { enabled: true, answersAfterMs: 2_000 };

export type Tower = {
  readonly simulator: ProxmoxSimulator;
  readonly proxmox: Proxmox;
  close(): Promise<void>;
};

/** A simulated Proxmox, and the driver for it, both in fast time. */
export async function startTower(
  time: FastTime,
  changes: Readonly<Record<number, Partial<GuestSpec>>> = {},
  token: string = testToken,
): Promise<Tower> {
  const simulator = await startProxmoxSimulator({
    node: 'pve2',
    guests: towerGuests(changes),
    tokens: [{ token: testToken }],
    clock: time.simulator,
  });
  const client = createHttpsClient({ pin: simulator.pins.certificate, pinKind: 'certificate' });
  const proxmox = createProxmox({
    client,
    baseUrl: simulator.url,
    node: 'pve2',
    token,
    clock: { monotonicMs: () => time.clock.uptimeMs(), sleep: time.clock.sleep },
  });
  return {
    simulator,
    proxmox,
    async close() {
      client.close();
      await simulator.close();
    },
  };
}

/** A folder of state as enrolment leaves it; the trust of the home is in force in it. */
export async function makeRelayState(
  home: TestHome,
  relay: string,
  options: { readonly dir?: string; readonly clock: Clock; readonly proxmox?: ProxmoxConfig },
): Promise<string> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'writ-relay-test-')));
  const disk = nodeDisk(dir);
  const log = createLog({ now: Date.now, write: () => {} });
  const key = home.relays[relay];
  if (key === undefined) throw new Error(`the test home has no relay ${relay}`);
  const made = await createState(
    { disk, clock: options.clock, log },
    { relay, secret: key.secret, trust: home.trust() },
  );
  if (!made.ok) throw new Error(`no state: ${made.reason}`);
  await made.value.journal.close();
  await writeConfig(disk, { v: 1, home: home.id, relay, proxmox: options.proxmox ?? null, trial: true });
  await disk.close();
  return dir;
}

export type TestRelay = RunningRelay & {
  readonly stateDir: string;
  /** What it logged. */
  readonly seen: readonly LogEntry[];
  /** Resolves with the first event of that name that fits, past ones included; rejects after 30 s. */
  until(event: string, fits?: (entry: LogEntry) => boolean): Promise<LogEntry>;
  /** Stops it and removes its folder. */
  discard(): Promise<void>;
};

/** Starts a real relay in this process, in fast time unless the overrides say otherwise. */
export async function startTestRelay(options: {
  readonly home: TestHome;
  readonly relay: string;
  readonly time: FastTime;
  /** A folder of an earlier run, to be started again. */
  readonly stateDir?: string;
  readonly overrides?: RelayOverrides;
}): Promise<TestRelay> {
  const { home, relay, time } = options;
  const stateDir = options.stateDir ?? (await makeRelayState(home, relay, { clock: time.clock }));
  const seen: LogEntry[] = [];
  const watch = createWatch();
  const started = await startRelay({
    stateDir,
    overrides: { clock: time.clock, proxmox: null, pollWaitMs: 500, ...options.overrides },
    log(entry) {
      seen.push(entry);
      watch.notify();
    },
  });
  if (!started.ok) throw new Error(`the relay does not start: ${started.reason} ${started.detail ?? ''}`);
  const running = started.value;
  return {
    ...running,
    stateDir,
    seen,
    until: (event, fits = () => true) =>
      watch.until(
        () => `${event} in\n${seen.map((entry) => JSON.stringify(entry)).join('\n')}`,
        () => seen.find((entry) => entry.event === event && fits(entry)),
      ),
    async discard() {
      await running.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

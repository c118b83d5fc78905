import type { ActContext, ActionPorts, Outcome, RelayAction } from '../../../relay/actions/action.ts';
import type { Clock } from '../../../relay/agent/clock.ts';
import type { Disk } from '../../../relay/agent/disk.ts';
import { createExecutor } from '../../../relay/agent/executor.ts';
import type { Executor, Judge } from '../../../relay/agent/executor-contract.ts';
import { createState, openState, type RelayState } from '../../../relay/agent/state-files.ts';
import { judgeAgain, judgeJob, verifyEnvelope } from '../../../relay/agent/verify-job.ts';
import type { LeafPort } from '../../../relay/deploy/leaves/leaf-port.ts';
import type { ActClient } from '../../../relay/drivers/act-client.ts';
import type { WatchPath } from '../../../relay/drivers/watch-path.ts';
import { createLog, type Log, type LogEntry } from '../../../relay/log.ts';
import { guestPackages } from '../../../schema/actions/guest-look.ts';
import { actions } from '../../../schema/actions/index.ts';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import type { SigningKey } from '../../../schema/jose/keys.ts';
import { acceptFirstTrust } from '../../../schema/trust/read.ts';
import type { Job } from '../../../schema/wire/job.ts';
import { jobLifetimeMs } from '../../../schema/wire/limits.ts';
import type { Receipt } from '../../../schema/wire/receipt.ts';
import { noGithub } from '../../support/no-github.ts';
import { makeTestHome, type TestHome, type TestOrder, testNonce } from '../../support/relay-home.ts';

/** A clock that stands until it is moved. */
export type TestClock = Clock & {
  /** Time passes: wall clock, uptime and sleepers alike. */
  advance(ms: number): void;
  /** Somebody sets the wall clock; no time passes. */
  set(nowMs: number): void;
  setSynchronised(value: boolean): void;
  reboot(): void;
};

export function createTestClock(nowMs = Date.UTC(2026, 10, 22)): TestClock {
  let now = nowMs;
  let uptime = 60_000;
  let boot = 1;
  let synchronised = true;
  let sleepers: { at: number; wake(): void }[] = [];
  return {
    now: () => now,
    uptimeMs: () => uptime,
    bootId: () => `boot-${boot}`,
    synchronised: async () => synchronised,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const sleeper = { at: uptime + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          resolve();
        });
      }),
    advance(ms) {
      now += ms;
      uptime += ms;
      const due = sleepers.filter((sleeper) => sleeper.at <= uptime);
      sleepers = sleepers.filter((sleeper) => sleeper.at > uptime);
      for (const sleeper of due) sleeper.wake();
    },
    set: (value) => {
      now = value;
    },
    setSynchronised: (value) => {
      synchronised = value;
    },
    reboot() {
      boot += 1;
      uptime = 1_000;
    },
  };
}

/** A disk in memory. What was acknowledged survives `clone`, as it survives a crash. */
export type MemoryDisk = Disk & {
  readonly files: Map<string, Uint8Array>;
  /** The error code that every write fails with; null when the disk is well. */
  fault: string | null;
  /** How many bytes of a failing append get onto the disk all the same. */
  tornBytes: number;
  clone(): MemoryDisk;
};

export function createMemoryDisk(files = new Map<string, Uint8Array>()): MemoryDisk {
  const failWrites = (): void => {
    if (disk.fault !== null) throw Object.assign(new Error(disk.fault), { code: disk.fault });
  };
  const disk: MemoryDisk = {
    files,
    fault: null,
    tornBytes: 0,
    read: async (name) => files.get(name) ?? null,
    async append(name, bytes) {
      const before = files.get(name);
      if (before === undefined) throw Object.assign(new Error('missing'), { code: 'ENOENT' });
      if (disk.fault !== null) files.set(name, join(before, bytes.subarray(0, disk.tornBytes)));
      failWrites();
      files.set(name, join(before, bytes));
    },
    async replace(name, bytes) {
      failWrites();
      files.set(name, bytes.slice());
    },
    async remove(name) {
      failWrites();
      files.delete(name);
    },
    exposed: async () => false,
    close: async () => undefined,
    clone: () => createMemoryDisk(new Map(files)),
  };
  return disk;
}

const join = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
};

export const quietLog = (entries: LogEntry[] = []): Log =>
  createLog({ now: () => 0, write: (entry) => entries.push(entry) });

/** What a fake action did, in order. */
export type Deed = { readonly action: string; readonly target: string; readonly params: unknown };

/** Answers that satisfy every action's result schema. */
export const resultOf = (type: string): Record<string, boolean | number> => {
  if (type === 'host.wake') return { packets: 1, took_ms: 5 };
  if (type.startsWith('host.') || type.startsWith('guest.reboot')) return {};
  if (type === 'guest.look') return Object.fromEntries(guestPackages.map((name) => [name, true]));
  if (type === 'app.command') return { took_ms: 5 };
  if (type.startsWith('release.')) {
    return { already: false, files: 1, started: 0, restarted: 1, reloaded: 0, stopped: 0 };
  }
  return { already: false };
};

export type FakeBehaviour = {
  /** Called for each step that acts; may wait. By default it succeeds at once. */
  act?(type: string, ctx: ActContext): Promise<Outcome | undefined>;
  observe?: RelayAction['observe'];
  precheck?: NonNullable<RelayAction['precheck']>;
};

/** Actions that do nothing but write down that they were done. */
export function fakeActions(deeds: Deed[], behaviour: FakeBehaviour = {}): Record<string, RelayAction> {
  const entries = Object.keys(actions).map((type): [string, RelayAction] => [
    type,
    {
      ...(behaviour.precheck !== undefined && { precheck: behaviour.precheck }),
      async act(ctx) {
        deeds.push({ action: type, target: ctx.target, params: ctx.params });
        const outcome = await behaviour.act?.(type, ctx);
        return outcome ?? { state: 'succeeded', result: resultOf(type) };
      },
      observe:
        behaviour.observe ?? (() => Promise.resolve({ state: 'unknown' as const, code: 'interrupted' })),
    },
  ]);
  return Object.fromEntries(entries);
}

/** Nothing listens where the helper as root would. */
export const noHelper: ActClient = {
  apply: async () => ({ ok: false, reason: 'act_missing' }),
  settle: async () => ({ ok: false, reason: 'act_missing' }),
  look: async () => ({ ok: false, reason: 'act_missing' }),
};

/** A host whose ways to the control plane all work. */
export const reached: WatchPath = async () => async () => ({ ok: true, value: true });

/** No certificates of a private CA are made. */
export const noLeafPort: LeafPort = {
  knows: () => true,
  check: async () => ({ ok: false, reason: 'authority_key_missing' }),
  bring: async () => ({ ok: false, reason: 'authority_key_missing' }),
  accept: async () => undefined,
  settle: async () => undefined,
};

export const noPorts: ActionPorts = {
  proxmox: null,
  wake: { send: async () => ({ ok: true, value: null }) },
  clock: { now: () => 0, uptimeMs: () => 0, sleep: async () => undefined },
  evidenceOf: async () => null,
  blob: async () => ({ ok: false, reason: 'blob_missing' }),
  watchPath: reached,
  machineOf: () => {
    throw new Error('no machine is asked for');
  },
  helper: noHelper,
  leaves: noLeafPort,
};

export const realJudge: Judge = { verifyEnvelope, judgeJob, judgeAgain };

/** A relay of a home, its state in some disk, and the controller that orders it about. */
export type Rig = {
  readonly home: TestHome;
  readonly relay: string;
  readonly clock: TestClock;
  readonly disk: Disk;
  readonly log: LogEntry[];
  readonly deeds: Deed[];
  readonly state: RelayState;
  readonly executor: Executor;
  readonly session: string;
  /** Mints a job with the controller's key and the next number. */
  job(signed: TestOrder, step?: number, more?: Partial<Job>, by?: SigningKey): Promise<string>;
  /** Mints and offers. */
  order(signed: TestOrder, step?: number, more?: Partial<Job>): ReturnType<Executor['offer']>;
  /** All receipts on the disk, in order. */
  receipts(): Receipt[];
  receiptTexts(): string[];
  /** Ends this run (unless it was cut), and begins the next on the same disk. */
  restart(options?: { cut?: boolean } & RigChange): Promise<Rig>;
};

export type RigChange = {
  readonly behaviour?: FakeBehaviour;
  readonly judge?: Judge;
  readonly disk?: Disk;
  readonly clock?: TestClock;
  readonly recover?: boolean;
};

export type RigOptions = RigChange & {
  readonly home?: TestHome;
  readonly relay?: string;
  readonly compactBytes?: number;
  readonly maxUnconfirmed?: number;
};

export const readReceipt = (jws: string): Receipt =>
  JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString()) as Receipt;

export const defaultHome = (): Promise<TestHome> =>
  makeTestHome({ origins: [{ url: 'https://writ.example.net' }] });

/** Enrols a relay into a home's first trust and starts it. */
export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const home = options.home ?? (await defaultHome());
  const relay = options.relay ?? 'pve2';
  const clock = options.clock ?? createTestClock();
  const disk = options.disk ?? createMemoryDisk();
  const log: LogEntry[] = [];
  const trust = home.trust();
  const accepted = await acceptFirstTrust(trust.jws, { digest: trust.digest });
  if (!accepted.ok) throw new Error(accepted.reason);
  const made = await createState(
    { disk, clock, log: quietLog(log) },
    { relay, secret: home.relays[relay]!.secret, trust: accepted.value },
  );
  if (!made.ok) throw new Error(made.reason);
  await made.value.journal.close();
  // Whatever is issued in a test comes after the enrolment.
  clock.advance(1_000);
  return run({ ...options, home, relay, clock, disk }, log, []);
}

async function run(
  options: RigOptions & { home: TestHome; relay: string; clock: TestClock; disk: Disk },
  log: LogEntry[],
  deeds: Deed[],
): Promise<Rig> {
  const { home, relay, clock, disk } = options;
  const stateDeps = {
    disk,
    clock,
    log: quietLog(log),
    ...(options.compactBytes !== undefined && { compactBytes: options.compactBytes }),
  };
  const opened = await openState(stateDeps);
  if (!opened.ok) throw new Error(`the state does not open: ${opened.reason} ${opened.detail ?? ''}`);
  const state = opened.value;
  const session = testNonce();
  const executor = createExecutor({
    github: noGithub,
    state,
    session,
    clock,
    log: quietLog(log),
    actions: fakeActions(deeds, options.behaviour),
    ports: noPorts,
    judge: options.judge ?? realJudge,
    beforePowerOff: async () => undefined,
    maxUnconfirmed: options.maxUnconfirmed,
  });
  if (options.recover !== false) await executor.recover();
  let seq = 0;
  const receiptTexts = (): string[] =>
    [...state.journal.state.receipts.values()].sort((a, b) => a.seq - b.seq).map(({ jws }) => jws);
  const rig: Rig = {
    home,
    relay,
    clock,
    disk,
    log,
    deeds,
    state,
    executor,
    session,
    async job(signed, step = 0, more = {}, by = home.controller) {
      seq = more.seq ?? seq + 1;
      const job: Job = {
        home: home.id,
        relay,
        session,
        seq,
        exp: clock.now() + jobLifetimeMs,
        ...(signed.kind !== undefined && { kind: signed.kind }),
        intent: encodeBase64url(signed.bytes),
        authorisation: signed.authorisation,
        step,
        receipts: [],
        ...more,
      };
      return signJws('job', job, by);
    },
    order: async (signed, step, more) => executor.offer(await rig.job(signed, step, more)),
    receiptTexts,
    receipts: () => receiptTexts().map(readReceipt),
    async restart({ cut = false, ...change } = {}) {
      if (!cut) await executor.close();
      return run({ ...options, ...change }, log, deeds);
    },
  };
  return rig;
}

import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GuestSpec } from '../../test/support/proxmox/options.ts';
import type { GuardianNews } from './guardian.ts';
import { simulatedGuests, towerMac } from './house.ts';
import { type Part, startPart } from './part.ts';
import type { LoggedRequest, ProxmoxSetup } from './proxmox-main.ts';
import { type Ran, runProgram } from './run-cli.ts';
import type { TowerNews, TowerOrder, TowerSetup } from './tower-main.ts';

const root = join(import.meta.dirname, '..', '..');
const writFile = join(root, 'src', 'cli', 'main.ts');
const relayFile = join(root, 'relay', 'main.ts');

/** The processes of a simulated home, all of them real. */
export const partNames = [
  'api',
  'relay-cloud',
  'relay-pve1',
  'relay-pve2',
  'proxmox-pve1',
  'proxmox-pve2',
  'tower',
] as const;
export type PartName = (typeof partNames)[number];

export type Simulated = { readonly port: number; readonly pin: string };

/** A home on loopback in a folder of its own: processes that can be started, killed and started again. */
export type Home = {
  readonly directory: string;
  /** Of the owner's keys. */
  readonly configDir: string;
  readonly origin: string;
  readonly wakeAddress: string;
  /** The Proxmox servers as they were last told; null before the first start. */
  proxmox(host: 'pve1' | 'pve2'): Simulated | null;
  readonly proxmoxTokenFile: string;
  relayDirectory(name: string): string;
  /** Starts a part. Those of the tower start only while it is on. */
  start(name: PartName): Promise<void>;
  /** SIGKILL. Resolves once it is gone. */
  kill(name: PartName): Promise<void>;
  isAlive(name: PartName): boolean;
  /** From now on the tower's relay starts with it. */
  enrolTower(): void;
  /** Switches the tower on by hand; it is up at once. */
  pressPower(): void;
  towerIsOn(): boolean;
  /** Resolves once the tower is on or off, at once if it is. */
  towerIs(state: 'on' | 'off', withinMs: number): Promise<void>;
  /** What the tower told, in order. */
  readonly towerNews: readonly { readonly at: number; readonly news: TowerNews['news'] }[];
  /** The VMIDs that run on a simulated server, as it wrote them down. */
  running(host: 'pve1' | 'pve2'): readonly number[];
  /** What the API of a simulated server was asked, over all its runs. */
  requests(host: 'pve1' | 'pve2'): readonly LoggedRequest[];
  /** A line of a part's output, from its present run. */
  line(name: PartName, wanted: (line: string) => boolean, withinMs: number): Promise<string>;
  /** Runs `writ` with the owner's keys. */
  writ(args: readonly string[], input?: string): Promise<Ran>;
  /** Runs `writ-relay`, as at a host's console. */
  writRelay(args: readonly string[], input?: string): Promise<Ran>;
  /** Ends every process and removes the folder. Safe to call twice. */
  close(): Promise<void>;
};

export type HomeOptions = {
  readonly bootMs: number;
  readonly keep?: boolean;
  /** In place of the guests of the example's house. */
  readonly guests?: Readonly<Record<'pve1' | 'pve2', readonly GuestSpec[]>>;
  /** VMIDs of guests in which agents run programs: those are machines in memory. */
  readonly inside?: readonly number[];
  /** For relays alone, over what this process has; given the home's folder. */
  relayEnv?(directory: string): Readonly<Record<string, string>>;
};

export async function createHome(options: HomeOptions): Promise<Home> {
  const directory = mkdtempSync(join(tmpdir(), 'writ-demo-'));
  const at = (...names: string[]): string => join(directory, ...names);
  for (const name of ['log', 'data', 'proxmox-pve1', 'proxmox-pve2', 'relays'])
    mkdirSync(at(name), { mode: 0o700 });
  const token = `writ@pve!relay=${randomUUID()}`;
  writeFileSync(at('proxmox-token'), `${token}\n`, { mode: 0o600 });
  for (const host of ['pve1', 'pve2'] as const) {
    const guests = (options.guests ?? simulatedGuests)[host];
    const setup: ProxmoxSetup = { node: host, token, guests, inside: options.inside ?? [] };
    writeFileSync(at(`proxmox-${host}`, 'proxmox.json'), JSON.stringify(setup), { mode: 0o600 });
  }
  const apiPort = await freePort();
  const origin = `https://127.0.0.1:${apiPort}`;

  const parts = new Map<PartName, Part>();
  const simulated = new Map<'pve1' | 'pve2', Simulated>();
  const towerPids = new Map<'proxmox' | 'relay', number>();
  const towerWatchers = new Set<() => void>();
  let power: 'on' | 'off' = 'off';
  const towerNews: { at: number; news: TowerNews['news'] }[] = [];
  let wakePort = 0;
  let closed: Promise<void> | null = null;

  // Started anew again and again, each program is compiled once.
  const env = { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? at('cache') };
  const guardian = startPart({
    name: 'guardian',
    file: join(import.meta.dirname, 'guardian.ts'),
    args: [directory],
    logFile: at('log', 'guardian.log'),
    ipc: true,
  });
  const guard = (news: GuardianNews): void => guardian.send(news);

  const heed = (news: TowerNews): void => {
    towerNews.push({ at: Date.now(), news: news.news });
    if (news.news === 'proxmox') simulated.set('pve2', { port: news.port, pin: news.pin });
    if (news.news === 'up') power = 'on';
    if (news.news === 'off') {
      power = 'off';
      for (const pid of towerPids.values()) guard({ pid, alive: false });
      towerPids.clear();
    }
    if (news.news === 'child') {
      const before = towerPids.get(news.what);
      if (before !== undefined) guard({ pid: before, alive: false });
      if (news.pid === null) towerPids.delete(news.what);
      else {
        towerPids.set(news.what, news.pid);
        guard({ pid: news.pid, alive: true });
      }
    }
    for (const watch of [...towerWatchers]) watch();
  };
  const untilTower = (what: string, holds: () => boolean, withinMs: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const finish = (error?: Error): void => {
        clearTimeout(timer);
        towerWatchers.delete(look);
        if (error === undefined) resolve();
        else reject(error);
      };
      const look = (): void => {
        if (holds()) finish();
      };
      const timer = setTimeout(
        () => finish(new Error(`the tower: ${what} did not come within ${withinMs} ms`)),
        withinMs,
      );
      towerWatchers.add(look);
      look();
    });

  const run = (name: PartName, file: string, args: readonly string[], ipc: boolean): Part => {
    // The tower's relay inherits what the tower has.
    const isRelay = name.startsWith('relay-') || name === 'tower';
    const all = isRelay ? { ...env, ...options.relayEnv?.(directory) } : env;
    const part = startPart({ name, file, args, logFile: at('log', `${name}.log`), ipc, env: all });
    parts.set(name, part);
    guard({ pid: part.pid, alive: true });
    void part.ended.then(() => guard({ pid: part.pid, alive: false }));
    return part;
  };
  const towerOrder = (order: TowerOrder): void => parts.get('tower')?.send(order);
  const ofTower = (name: PartName): 'relay' | 'proxmox' | null =>
    name === 'relay-pve2' ? 'relay' : name === 'proxmox-pve2' ? 'proxmox' : null;

  const start = async (name: PartName): Promise<void> => {
    const inTower = ofTower(name);
    if (inTower !== null) {
      if (power === 'off') return;
      towerOrder({ order: 'start', what: inTower });
      await untilTower(`its ${inTower}`, () => power === 'off' || towerPids.has(inTower), 20_000);
      return;
    }
    if (name === 'api') {
      const args = ['serve', '--data', at('data'), '--listen', `127.0.0.1:${apiPort}`, '--trial'];
      await run(name, writFile, args, false).line((line) => line.startsWith('Listening on'), 30_000);
    } else if (name === 'proxmox-pve1') {
      const part = run(name, join(import.meta.dirname, 'proxmox-main.ts'), [at(name), 'always-on'], true);
      const ready = (message: unknown): Simulated | undefined => (message as { ready?: Simulated }).ready;
      simulated.set('pve1', await part.message(ready, 20_000));
    } else if (name === 'tower') {
      const setup: TowerSetup = {
        mac: towerMac,
        port: wakePort,
        bootMs: options.bootMs,
        directory: at('proxmox-pve2'),
        logDirectory: at('log'),
        relay: { file: relayFile, args: relayArgs('pve2') },
      };
      const part = run(name, join(import.meta.dirname, 'tower-main.ts'), [JSON.stringify(setup)], true);
      part.onMessage((message) => heed(message as TowerNews));
      wakePort = await part.message((message) => {
        const news = message as TowerNews;
        return news.news === 'listening' ? news.port : undefined;
      }, 20_000);
    } else {
      run(name, relayFile, relayArgs(name.slice('relay-'.length)), false);
    }
  };

  const relayArgs = (name: string): string[] => ['run', '--state', at('relays', name)];

  const home: Home = {
    directory,
    configDir: at('owner'),
    origin,
    get wakeAddress() {
      return `127.0.0.1:${wakePort}`;
    },
    proxmox: (host) => simulated.get(host) ?? null,
    proxmoxTokenFile: at('proxmox-token'),
    relayDirectory: (name) => at('relays', name),
    start,
    async kill(name) {
      const inTower = ofTower(name);
      if (inTower === null) {
        const pids = name === 'tower' ? [...towerPids.values()] : [];
        await parts.get(name)?.kill('SIGKILL');
        for (const pid of pids) killQuietly(pid);
        if (name === 'tower') heed({ news: 'off' });
      } else if (towerPids.has(inTower)) {
        towerOrder({ order: 'kill', what: inTower });
        await untilTower(`the end of its ${inTower}`, () => !towerPids.has(inTower), 10_000);
      }
    },
    isAlive: (name) => {
      const inTower = ofTower(name);
      return inTower === null ? parts.get(name)?.alive === true : towerPids.has(inTower);
    },
    enrolTower: () => towerOrder({ order: 'relay_from_now' }),
    pressPower: () => towerOrder({ order: 'power_on' }),
    towerIsOn: () => power === 'on',
    towerIs: (state, withinMs) => untilTower(`being ${state}`, () => power === state, withinMs),
    towerNews,
    running: (host) =>
      host === 'pve2' && power === 'off'
        ? []
        : (JSON.parse(readFileSync(at(`proxmox-${host}`, 'state.json'), 'utf8')) as { running: number[] })
            .running,
    requests: (host) => readRequests(at(`proxmox-${host}`, 'requests.jsonl')),
    line(name, wanted, withinMs) {
      const part = parts.get(name);
      if (part === undefined) throw new Error(`${name} was never started`);
      return part.line(wanted, withinMs);
    },
    writ: (args, input = '') => runProgram(writFile, [...args, '--config', at('owner')], { input, env }),
    writRelay: (args, input = '') => runProgram(relayFile, args, { input, env }),
    close() {
      closed ??= (async () => {
        const rest = [...parts.values()];
        await Promise.all(rest.map((part) => part.kill('SIGTERM')));
        for (const pid of towerPids.values()) killQuietly(pid);
        if (!options.keep) rmSync(directory, { recursive: true, force: true });
        guard({ done: true });
        await guardian.ended;
      })();
      return closed;
    },
  };
  return home;
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}

function readRequests(path: string): LoggedRequest[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  // The last line may have been cut by a kill.
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as LoggedRequest];
    } catch {
      return [];
    }
  });
}

/** A port that nobody listens on now; kept over restarts, so it has to be chosen before the first start. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

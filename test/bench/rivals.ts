import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Figure, figure, quantile, timed, unmeasured } from './figure.ts';
import { startWritHome } from './writ-home.ts';

const atOnce = 32;
const perRound = 320;
const rounds = 7;

/** A job queue: its jobs do nothing, and a caller waits until its own is recorded as done. */
type Rival = { job(): Promise<void>; stop(): Promise<void> };

/** Installed outside the project, because only the bench needs them. */
const cache = process.env.WRIT_BENCH_CACHE ?? '/var/cache/writ-bench';
const packages = ['graphile-worker@0.18.0', 'bullmq@6.7.0', 'ioredis@6.0.0'] as const;

/**
 * Jobs a second with 32 callers, each of whom waits for the end of its job, in turns with queues that sync each
 * commit too. Theirs neither sign nor journal on a second machine, and are called without HTTP.
 */
export async function rivals(folder: string): Promise<Figure[]> {
  const names = ['jobs_per_s_of_graphile', 'jobs_per_s_of_bullmq'] as const;
  const libraries = install();
  if (libraries === null)
    return names.map((name) => unmeasured(name, '×', 'the npm registry is not reached'));
  const lacks = (program: string): string => `${program} is not installed`;
  const started: { name: string; rival: Rival; atLeast: number | null }[] = [];
  const figures: Figure[] = [];
  const postgres = postgresFolder();
  if (postgres === null) figures.push(unmeasured(names[0], '×', lacks('PostgreSQL')));
  else started.push({ name: names[0], rival: await graphile(folder, libraries, postgres), atLeast: 1 });
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    figures.push(unmeasured(names[1], '×', lacks('redis-server')));
  } else started.push({ name: names[1], rival: await bullmq(folder, libraries), atLeast: null });
  const home = await startWritHome({ folder });
  const phones = Array.from({ length: atOnce }, () => home.phone());
  try {
    const ours = (): Promise<unknown> =>
      Promise.all(
        phones.map(async (phone, index) => {
          for (let job = 0; job < perRound / atOnce; job += 1) await phone.start(`guest${index}`);
        }),
      );
    const theirs = ({ job }: Rival): Promise<unknown> =>
      Promise.all(
        Array.from({ length: atOnce }, async () => {
          for (let count = 0; count < perRound / atOnce; count += 1) await job();
        }),
      );
    await ours();
    for (const { rival } of started) await theirs(rival);
    const ratios = started.map((): number[] => []);
    const rates = { ours: [] as number[], theirs: started.map((): number[] => []) };
    for (let round = 0; round < rounds; round += 1) {
      const own = perRound / ((await timed(ours)) / 1000);
      rates.ours.push(own);
      for (const [index, { rival }] of started.entries()) {
        const other = perRound / ((await timed(() => theirs(rival))) / 1000);
        rates.theirs[index]!.push(other);
        ratios[index]!.push(own / other);
      }
    }
    for (const [index, { name, atLeast }] of started.entries()) {
      const note = `Writ ${quantile(rates.ours, 0.5).toFixed(0)}/s, the other ${quantile(rates.theirs[index]!, 0.5).toFixed(0)}/s`;
      const bound = atLeast === null ? {} : { atLeast };
      figures.push(figure(name, quantile(ratios[index]!, 0.5), bound, '×', note));
    }
    return figures;
  } finally {
    for (const phone of phones) phone.close();
    await home.stop();
    for (const { rival } of started) await rival.stop();
  }
}

/** The libraries, installed on first use; null where they cannot be had. */
function install(): NodeJS.Require | null {
  const folder = join(cache, packages.join('_'));
  if (
    !existsSync(join(folder, 'node_modules/bullmq')) ||
    !existsSync(join(folder, 'node_modules/graphile-worker'))
  ) {
    mkdirSync(folder, { recursive: true });
    const words = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', ...packages];
    if (spawnSync('npm', words, { stdio: 'ignore' }).status !== 0) return null;
  }
  return createRequire(join(folder, 'main.js'));
}

/** Where Debian keeps the newest PostgreSQL's programs. */
function postgresFolder(): string | null {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? null : `/usr/lib/postgresql/${newest}/bin`;
}

const startMs = 30_000;

async function graphile(folder: string, libraries: NodeJS.Require, bin: string): Promise<Rival> {
  const data = await mkdtemp(join(folder, 'pg-'));
  // PostgreSQL refuses to run as root.
  const isRoot = process.getuid?.() === 0;
  const as = (words: readonly string[]): string[] =>
    isRoot ? ['runuser', '-u', 'postgres', '--', ...words] : [...words];
  if (isRoot) execFileSync('chown', ['-R', 'postgres', folder]);
  const run = (words: readonly string[]): void => {
    const [file = '', ...args] = as(words);
    execFileSync(file, args, { stdio: ['ignore', 'ignore', 'inherit'], cwd: '/' });
  };
  run([`${bin}/initdb`, '-D', `${data}/db`, '--no-sync', '-A', 'trust', '-U', 'postgres']);
  const [file = '', ...args] = as([
    ...[`${bin}/postgres`, '-D', `${data}/db`, '-k', data, '-c', 'listen_addresses='],
  ]);
  const server = spawn(file, args, { stdio: 'ignore', cwd: '/' });
  const until = Date.now() + startMs;
  while (spawnSync(`${bin}/pg_isready`, ['-h', data], { stdio: 'ignore' }).status !== 0) {
    if (Date.now() > until) throw new Error('PostgreSQL does not start');
    await pause(50);
  }
  const { run: startRunner, Logger } = libraries('graphile-worker') as {
    run(options: object): Promise<{
      addJob(task: string, payload: object): Promise<{ id: string }>;
      events: { on(event: string, heard: (told: { job: { id: string } }) => void): void };
      stop(): Promise<void>;
    }>;
    Logger: new (factory: () => () => void) => object;
  };
  const runner = await startRunner({
    connectionString: `postgres://postgres@/postgres?host=${encodeURIComponent(data)}`,
    concurrency: atOnce,
    maxPoolSize: atOnce + 4,
    noHandleSignals: true,
    pollInterval: 1_000,
    logger: new Logger(() => () => {}),
    taskList: { nothing: async () => {} },
  });
  const ended = new Set<string>();
  const waiting = new Map<string, () => void>();
  runner.events.on('job:complete', ({ job }) => {
    const id = String(job.id);
    const tell = waiting.get(id);
    waiting.delete(id);
    if (tell === undefined) ended.add(id);
    else tell();
  });
  return {
    async job() {
      const id = String((await runner.addJob('nothing', {})).id);
      if (ended.delete(id)) return;
      await new Promise<void>((resolve) => waiting.set(id, resolve));
    },
    async stop() {
      await runner.stop();
      const gone = once(server, 'exit');
      run([`${bin}/pg_ctl`, '-D', `${data}/db`, '-m', 'fast', 'stop']);
      await gone;
    },
  };
}

async function bullmq(folder: string, libraries: NodeJS.Require): Promise<Rival> {
  const data = join(folder, 'redis');
  await mkdir(data);
  const socket = join(data, 'socket');
  const words = ['--dir', data, '--port', '0', '--unixsocket', socket, '--appendonly', 'yes'];
  const server = spawn('redis-server', [...words, '--appendfsync', 'always', '--save', ''], {
    stdio: 'ignore',
  });
  const until = Date.now() + startMs;
  while (spawnSync('redis-cli', ['-s', socket, 'ping'], { stdio: 'ignore' }).status !== 0) {
    if (Date.now() > until) throw new Error('Redis does not start');
    await pause(50);
  }
  type Closable = { close(): Promise<void>; setMaxListeners(count: number): unknown };
  type Job = { waitUntilFinished(events: object): Promise<unknown> };
  const { Queue, Worker, QueueEvents } = libraries('bullmq') as {
    Queue: new (
      name: string,
      options: object,
    ) => Closable & { add(name: string, data: object): Promise<Job> };
    Worker: new (name: string, run: () => Promise<void>, options: object) => Closable;
    QueueEvents: new (name: string, options: object) => Closable & { waitUntilReady(): Promise<unknown> };
  };
  const connection = { path: socket, maxRetriesPerRequest: null };
  const queue = new Queue('nothing', { connection });
  const events = new QueueEvents('nothing', { connection });
  const worker = new Worker('nothing', async () => {}, { connection, concurrency: atOnce });
  // Each caller that waits listens to these.
  for (const one of [queue, events]) one.setMaxListeners(0);
  await events.waitUntilReady();
  return {
    async job() {
      const job = await queue.add('nothing', {});
      await job.waitUntilFinished(events);
    },
    async stop() {
      for (const one of [worker, events, queue]) await one.close();
      const gone = once(server, 'exit');
      server.kill('SIGTERM');
      await gone;
    },
  };
}

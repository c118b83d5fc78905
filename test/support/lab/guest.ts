import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { cgroupRoot } from './root.ts';

export type Ran = { readonly code: number; readonly out: string; readonly err: string };

/** A Debian guest with systemd as PID 1. */
export type Guest = {
  readonly name: string;
  /** Whether it is on. */
  isOn(): boolean;
  /** Runs a program in it; waits for its end. */
  run(argv: readonly string[], options?: RunOptions): Promise<Ran>;
  /** The same, and throws what it printed unless it exits with 0. */
  must(argv: readonly string[], options?: RunOptions): Promise<string>;
  /** The words before a program's own that run it there, while it is on. */
  entry(): readonly string[];
  /** Starts a program on a terminal of its own: what it prints can be waited for, and answered. */
  converse(argv: readonly string[]): Conversation;
  /** Writes a file, on or off. */
  put(path: string, content: string | Uint8Array, mode?: number): void;
  /** Reads a file, while it is on. */
  read(path: string): Buffer;
  /** Switches it on, and waits until systemd has started what it starts. */
  boot(): Promise<void>;
  /** Pulls the plug. */
  cut(): Promise<void>;
};

export type RunOptions = { readonly stdin?: string; readonly timeoutMs?: number };

export type Conversation = {
  /** All that was printed so far. */
  readonly text: () => string;
  /** Waits until something new matches. */
  until(pattern: RegExp, timeoutMs?: number): Promise<void>;
  /** Types a line. */
  type(line: string): void;
  /** Waits for the end; the exit code. */
  ended(timeoutMs?: number): Promise<number>;
};

const bootMs = 60_000;
const runMs = 60_000;
const lookEveryMs = 50;

/** Prepares a guest over a root file system; it is off until `boot`. Its files last as long as its folder. */
export function makeGuest(options: {
  readonly name: string;
  readonly netns: string;
  readonly root: string;
  /** A folder of its own. */
  readonly folder: string;
  /** Unique on this machine. */
  readonly cgroup: string;
}): Guest {
  const { name, netns, root, folder } = options;
  const cgroup = join(cgroupRoot(), options.cgroup);
  let booted: ChildProcess | null = null;
  let init = 0;

  const enter = (argv: readonly string[]): string[] => [
    ...['nsenter', '-t', String(init), '-m', '-u', '-i', '-n', '-p', '-C', '-r', '-w'],
    ...['env', '-i', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root'],
    ...['TERM=xterm', 'LANG=C.UTF-8', 'USER=root', ...argv],
  ];

  const start = (argv: readonly string[]): ChildProcess => {
    if (init === 0) throw new Error(`${name} is off`);
    const [file = '', ...args] = inCgroup(cgroup, enter(argv));
    return spawn(file, args, { stdio: 'pipe' });
  };

  const run: Guest['run'] = async (argv, { stdin, timeoutMs = runMs } = {}) => {
    const child = start(argv);
    let out = '';
    let err = '';
    child.stdout!.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr!.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.stdin!.on('error', () => {});
    child.stdin!.end(stdin ?? '');
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const [code] = (await once(child, 'close')) as [number | null];
    clearTimeout(timer);
    return { code: code ?? -1, out, err: code === null ? `${err}\n(gone, or over ${timeoutMs} ms)` : err };
  };

  const must: Guest['must'] = async (argv, given) => {
    const ran = await run(argv, given);
    if (ran.code === 0) return ran.out;
    throw new Error(`${name}: ${argv.join(' ')}: exit ${ran.code}\n${ran.out}${ran.err}`);
  };

  const cut = async (): Promise<void> => {
    if (booted === null) return;
    const ended = booted.exitCode === null && booted.signalCode === null ? once(booted, 'exit') : null;
    if (init !== 0) kill(init);
    booted.kill('SIGKILL');
    await ended;
    booted = null;
    init = 0;
    await removeCgroup(cgroup);
  };

  return {
    name,
    isOn: () => booted !== null && booted.exitCode === null && booted.signalCode === null,
    run,
    must,
    entry: () => inCgroup(cgroup, enter([])),
    converse: (argv) => converse(start(['script', '-qefc', shellWord(argv), '/dev/null'])),
    put(path, content, mode = 0o644) {
      const target = join(folder, init === 0 ? 'upper' : 'merged', path);
      const place = init === 0 ? target : join('/proc', String(init), 'root', path);
      mkdirSync(dirname(place), { recursive: true });
      writeFileSync(place, content, { mode });
    },
    read: (path) => readFileSync(join('/proc', String(init), 'root', path)),
    async boot() {
      if (booted !== null) throw new Error(`${name} is on`);
      mkdirSync(cgroup, { recursive: true });
      const [file = '', ...args] = inCgroup(cgroup, [
        ...['sh', join(import.meta.dirname, 'boot.sh'), root, folder, netns, name],
      ]);
      const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
      let said = '';
      child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
      booted = child;
      const until = Date.now() + bootMs;
      for (;;) {
        if (child.exitCode !== null) throw new Error(`${name} did not boot: ${said}`);
        init = findInit(child.pid!);
        if (init !== 0) {
          const state = await run(['systemctl', 'is-system-running'], { timeoutMs: 5_000 });
          // Degraded: some unit of Debian's lacks what a namespace cannot give.
          if (/^(running|degraded)/.test(state.out)) return;
        }
        if (Date.now() > until) throw new Error(`${name} did not boot in time: ${said}`);
        await pause(lookEveryMs);
      }
    },
    cut,
  };
}

/** Moves itself into a cgroup first: what is entered later could not. */
const inCgroup = (cgroup: string, argv: readonly string[]): string[] => [
  ...['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', cgroup, ...argv],
];

/** The words as one that `script -c` hands to a shell. */
const shellWord = (argv: readonly string[]): string =>
  argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');

/** The guest's PID 1, as this machine numbers it: the child of `unshare`, once it is `systemd`. */
function findInit(ancestor: number): number {
  let pid = ancestor;
  for (let depth = 0; depth < 4; depth += 1) {
    const children = readText(`/proc/${pid}/task/${pid}/children`).trim().split(' ');
    const child = Number(children[0]);
    if (!(child > 0)) return 0;
    if (readText(`/proc/${child}/comm`).trim() === 'systemd') return child;
    pid = child;
  }
  return 0;
}

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** Cgroups are removed as folders, the innermost first, once the last process in them has ended. */
async function removeCgroup(path: string): Promise<void> {
  for (let tries = 0; tries < 100 && existsSync(path); tries += 1) {
    removeFolders(path);
    if (existsSync(path)) await pause(lookEveryMs);
  }
}

function removeFolders(path: string): void {
  try {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) removeFolders(join(path, entry.name));
    }
    rmdirSync(path);
  } catch {
    // A process in it is still ending.
  }
}

function converse(child: ChildProcess): Conversation {
  let text = '';
  let seen = 0;
  const listeners = new Set<() => void>();
  const heard = (chunk: Buffer): void => {
    text += chunk.toString();
    for (const listener of listeners) listener();
  };
  child.stdout!.on('data', heard);
  child.stderr!.on('data', heard);
  const closed = once(child, 'close') as Promise<[number | null]>;
  return {
    text: () => text,
    until: (pattern, timeoutMs = runMs) =>
      new Promise((resolve, reject) => {
        const finish = (end: () => void): void => {
          clearTimeout(timer);
          listeners.delete(look);
          end();
        };
        const look = (): void => {
          const match = pattern.exec(text.slice(seen));
          if (match === null) return;
          seen += match.index + match[0].length;
          finish(resolve);
        };
        const fail = (): void => finish(() => reject(new Error(`${pattern} was not printed, but:\n${text}`)));
        const timer = setTimeout(fail, timeoutMs);
        listeners.add(look);
        void closed.then(fail);
        look();
      }),
    type: (line) => void child.stdin!.write(`${line}\n`),
    async ended(timeoutMs = runMs) {
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
      const [code] = await closed;
      clearTimeout(timer);
      return code ?? -1;
    },
  };
}

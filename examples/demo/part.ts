import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';

/** A process of the demo. It is started with the same Node that runs the demo, as an argv array. */
export type Part = {
  readonly name: string;
  readonly pid: number;
  /** Whether it runs. */
  readonly alive: boolean;
  /** How it ended: `code 1`, `SIGKILL`. */
  readonly ended: Promise<string>;
  /** Resolves with the first line of its output that `wanted` takes, earlier lines included. */
  line(wanted: (line: string) => boolean, withinMs: number): Promise<string>;
  /** Resolves with the first message that `wanted` takes, earlier ones included. */
  message<T>(wanted: (message: unknown) => T | undefined, withinMs: number): Promise<T>;
  onMessage(listen: (message: unknown) => void): void;
  send(message: object): void;
  /** Ends it and waits until it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
};

export type PartOptions = {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  /** Its output goes there as well, one file over all its runs. */
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it takes messages. */
  readonly ipc?: boolean;
};

export function startPart(options: PartOptions): Part {
  const { name } = options;
  const child: ChildProcess = spawn(process.execPath, [options.file, ...options.args], {
    stdio: ['ignore', 'pipe', 'pipe', ...(options.ipc ? ['ipc' as const] : [])],
    env: { ...process.env, NO_COLOR: '1', ...options.env },
  });
  const log = createWriteStream(options.logFile, { flags: 'a', mode: 0o600 });
  log.on('error', () => {});
  const lines: string[] = [];
  const messages: unknown[] = [];
  const watchers = new Set<() => void>();
  let howEnded: string | null = null;
  let rest = '';
  const wake = (): void => {
    for (const watch of [...watchers]) watch();
  };
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    log.write(chunk);
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    wake();
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => log.write(chunk));
  child.on('message', (message) => {
    messages.push(message);
    wake();
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    // 'close' comes after the last of the output.
    child.once('close', (code, signal) => resolve(signal ?? `code ${code}`));
  }).then((how) => {
    howEnded = how;
    log.end();
    wake();
    return how;
  });

  /** Looks at what has come and at what will come, until `find` has found or the time is over. */
  const await_ = <T>(find: () => T | undefined, what: string, withinMs: number): Promise<T> =>
    new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        watchers.delete(look);
      };
      const look = (): void => {
        const found = find();
        if (found !== undefined) {
          finish();
          resolve(found);
        } else if (howEnded !== null) {
          finish();
          reject(new Error(`${name} ended (${howEnded}) before ${what}; see ${options.logFile}`));
        }
      };
      const timer = setTimeout(() => {
        finish();
        reject(new Error(`${name}: no ${what} within ${withinMs} ms; see ${options.logFile}`));
      }, withinMs);
      watchers.add(look);
      look();
    });

  return {
    name,
    get pid() {
      return child.pid ?? 0;
    },
    get alive() {
      return howEnded === null;
    },
    ended,
    line: (wanted, withinMs) => await_(() => lines.find(wanted), 'awaited line', withinMs),
    message: (wanted, withinMs) => {
      let seen = 0;
      return await_(
        () => {
          while (seen < messages.length) {
            const found = wanted(messages[seen]);
            seen += 1;
            if (found !== undefined) return found;
          }
          return undefined;
        },
        'awaited message',
        withinMs,
      );
    },
    onMessage: (listen) => void child.on('message', listen),
    send(message) {
      if (child.connected) child.send(message, () => {});
    },
    async kill(signal) {
      if (howEnded === null) child.kill(signal);
      const timer = signal === 'SIGTERM' ? setTimeout(() => child.kill('SIGKILL'), 5_000) : undefined;
      await ended;
      clearTimeout(timer);
    },
  };
}

import type { SimulatorClock } from './options.ts';

/** What a worker may do while its task runs. */
export type Worker = {
  log(line: string): void;
  /** Rejects when the machine loses its power, so that nothing of the worker goes on. */
  sleep(ms: number): Promise<void>;
  /** Waits for a promise; rejects likewise. */
  wait<T>(promise: Promise<T>): Promise<T>;
};

export type Task = {
  readonly upid: string;
  readonly node: string;
  readonly pid: number;
  readonly pstart: number;
  /** Seconds since 1970. */
  readonly starttime: number;
  readonly type: string;
  readonly id: string;
  /** `USER@REALM!TOKENID`. */
  readonly user: string;
  exitstatus?: string;
  readonly log: string[];
  readonly ended: Promise<void>;
};

export type Tasks = {
  /** Starts a worker; its exit status is `OK`, or the message of the error that it throws. */
  fork(type: string, id: string, user: string, work: (worker: Worker) => Promise<void>): Task;
  find(upid: string): Task | undefined;
  all(): readonly Task[];
  /** Ends all workers as a power cut does: their logs stop in the middle. */
  killAll(): void;
};

const hex = (value: number) => value.toString(16).toUpperCase().padStart(8, '0');

export function createTasks(node: string, clock: SimulatorClock): Tasks {
  const tasks = new Map<string, Task>();
  const cancels = new Set<() => void>();
  let nextPid = 4_242;

  return {
    fork(type, id, user, work) {
      nextPid += 1;
      const pid = nextPid;
      const pstart = 1_000_000 + Math.floor(performance.now() / 10);
      const starttime = Math.floor(clock.now() / 1_000);
      const upid = `UPID:${node}:${hex(pid)}:${hex(pstart)}:${hex(starttime)}:${type}:${id}:${user}:`;
      const log: string[] = [];
      let killed = false;
      let kill: (reason: Error) => void = () => {};
      const death = new Promise<never>((_, reject) => {
        kill = reject;
      });
      death.catch(() => {});
      const cancel = () => {
        killed = true;
        kill(new Error('power cut'));
      };
      cancels.add(cancel);
      const worker: Worker = {
        log: (line) => log.push(line),
        sleep(ms) {
          let drop = () => {};
          const slept = new Promise<void>((resolve) => {
            drop = clock.after(ms, resolve);
          });
          return Promise.race([slept, death]).finally(drop);
        },
        wait: (promise) => Promise.race([promise, death]),
      };
      const ended = Promise.resolve()
        .then(() => work(worker))
        .then(
          () => 'OK',
          (error: unknown) => (error instanceof Error ? error.message : String(error)),
        )
        .then((exitstatus) => {
          cancels.delete(cancel);
          task.exitstatus = killed ? 'unexpected status' : exitstatus.trimEnd().replaceAll('\n', ';');
          if (!killed) log.push(exitstatus === 'OK' ? 'TASK OK' : `TASK ERROR: ${task.exitstatus}`);
        });
      const task: Task = { upid, node, pid, pstart, starttime, type, id, user, log, ended };
      tasks.set(upid, task);
      return task;
    },
    find: (upid) => tasks.get(upid),
    all: () => [...tasks.values()],
    killAll() {
      for (const cancel of [...cancels]) cancel();
    },
  };
}

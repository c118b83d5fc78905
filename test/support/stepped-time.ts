import type { FastTime } from './relay.ts';

/**
 * Time that stands still while anything is at work in this process, and then goes on at once to the next pause that
 * ends. For what waits for its clock alone: whatever waits for a socket finds that hours have gone by.
 */
export function steppedTime(): FastTime {
  const pauses = new Set<{ readonly at: number; readonly end: () => void }>();
  let nowMs = 0;
  let isStepping = false;

  const step = (): void => {
    const next = [...pauses].reduce<{ at: number; end: () => void } | null>(
      (first, pause) => (first === null || pause.at < first.at ? pause : first),
      null,
    );
    isStepping = next !== null;
    if (next === null) return;
    pauses.delete(next);
    nowMs = Math.max(nowMs, next.at);
    next.end();
    // What was set free by it runs first.
    setImmediate(step);
  };
  const after = (ms: number, end: () => void): (() => void) => {
    const pause = { at: nowMs + ms, end };
    pauses.add(pause);
    if (!isStepping) setImmediate(step);
    isStepping = true;
    return () => void pauses.delete(pause);
  };

  const time: FastTime = {
    boot: 'boot-1',
    speed: Number.POSITIVE_INFINITY,
    clock: {
      now: () => 1_760_000_000_000 + nowMs,
      uptimeMs: () => 1_000_000 + nowMs,
      bootId: () => time.boot,
      synchronised: async () => true,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (signal?.aborted) return resolve();
          const done = (): void => {
            forget();
            signal?.removeEventListener('abort', done);
            resolve();
          };
          const forget = after(ms, done);
          signal?.addEventListener('abort', done);
        }),
    },
    simulator: {
      now: () => 1_760_000_000_000 + nowMs,
      after: (ms, callback) => (Number.isFinite(ms) ? after(ms, callback) : () => {}),
    },
  };
  return time;
}

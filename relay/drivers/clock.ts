/** Time as the drivers use it. Only differences matter, so it does not jump when the wall clock is set. */
export type DriverClock = {
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonicMs(): number;
  /** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

/** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
export const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });

/** The machine's own clock. */
export function systemDriverClock(): DriverClock {
  return {
    monotonicMs: () => performance.now(),
    sleep,
  };
}

/** Who works on what: one at a time on each name. */
export type Busy = {
  /** Null when somebody else has it. */
  take(name: string): Held | null;
  /** Waits for it. Null when the signal is aborted first. */
  wait(name: string, signal: AbortSignal): Promise<Held | null>;
};

export type Held = { release(): void };

export function createBusy(): Busy {
  const held = new Map<string, Promise<void>>();
  const take = (name: string): Held | null => {
    if (held.has(name)) return null;
    const { promise, resolve } = withResolvers();
    held.set(name, promise);
    return {
      release() {
        held.delete(name);
        resolve();
      },
    };
  };
  return {
    take,
    async wait(name, signal) {
      const aborted = new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      for (;;) {
        if (signal.aborted) return null;
        const mine = take(name);
        if (mine !== null) return mine;
        await Promise.race([held.get(name), aborted]);
      }
    },
  };
}

/** Promise.withResolvers, which Node 20 lacks. */
function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

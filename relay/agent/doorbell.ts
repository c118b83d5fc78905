/** Ends one pause early. A ring while nobody waits ends the next pause at once. */
export type Doorbell = {
  ring(): void;
  /** Resolves after `ms`, at a ring, or when the signal is aborted; never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
};

/** For one who waits. Leaves nothing behind on the signal, which lives as long as the relay. */
export function createDoorbell(clock: {
  sleep(ms: number, signal?: AbortSignal): Promise<unknown>;
}): Doorbell {
  let rung = false;
  let waiting: AbortController | null = null;
  return {
    ring() {
      rung = true;
      // A reason of its own: the one that is made otherwise is an error, with a trace that nobody reads.
      waiting?.abort('rung');
    },
    async wait(ms, signal) {
      if (!rung && !signal.aborted) {
        const pause = new AbortController();
        const end = (): void => pause.abort();
        waiting = pause;
        signal.addEventListener('abort', end);
        await clock.sleep(ms, pause.signal);
        signal.removeEventListener('abort', end);
        waiting = null;
      }
      rung = false;
    },
  };
}

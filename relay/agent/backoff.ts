/** Pauses between attempts that grow by doubling up to a cap, with full jitter so that relays do not march in step. */
export type Backoff = {
  /** The next pause in ms: anywhere between a tenth of the present bound and the bound. */
  next(): number;
  /** After a success. */
  reset(): void;
};

/** @param deps.random a number from 0 (inclusive) to 1 (exclusive) */
export function createBackoff(deps: {
  readonly firstMs: number;
  readonly capMs: number;
  random(): number;
}): Backoff {
  const { firstMs, capMs, random } = deps;
  let boundMs = firstMs;
  return {
    next() {
      // The tenth at the bottom keeps a run of small numbers from becoming a busy loop.
      const pauseMs = Math.round(boundMs * (0.1 + 0.9 * random()));
      boundMs = Math.min(capMs, boundMs * 2);
      return pauseMs;
    },
    reset() {
      boundMs = firstMs;
    },
  };
}

/**
 * The doorbell: wakes those who wait for something to appear in the database, so that nobody polls it. It carries
 * no data and promises only that no ring is missed; whoever is woken reads the database again.
 *
 * ```ts
 * for (;;) {
 *   const ticket = await doorbell.ticket(name); // before reading
 *   const found = await read();
 *   if (found || (await doorbell.wait(ticket, remainingMs, signal)) !== 'rung') return found;
 * }
 * ```
 */

/** A moment in a bell's life: plain data that may be serialised, of no use to any other doorbell. */
export type Ticket = { readonly name: string; readonly seq: number };

/** `aborted` when the signal fired, `timeout` when nothing rang. */
export type WaitOutcome = 'rung' | 'timeout' | 'aborted';

export type Doorbell = {
  /** Takes a ticket. Every `ring(name)` that begins after it was taken ends a wait on it, however late that starts. */
  readonly ticket: (name: string) => Promise<Ticket>;
  /**
   * Resolves at the first ring after the ticket, at once if that is past. `rung` may be spurious, never missing.
   * Never rejects. `timeoutMs` ≤ 0 asks without waiting.
   */
  readonly wait: (ticket: Ticket, timeoutMs: number, signal?: AbortSignal) => Promise<WaitOutcome>;
  /** Wakes everybody who waits on the name. Call it after the write was acknowledged. Never throws. */
  readonly ring: (name: string) => void;
};

/** How many names' last rings are remembered; forgetting one costs a waiter at most a spurious wake. */
const rememberedNames = 10_000;

/** setTimeout fires at once beyond this. */
const longestTimerMs = 2_147_483_647;

export type MemoryDoorbell = Doorbell & {
  /** How many are waiting, for metrics and tests. */
  readonly waiting: () => number;
};

/** The doorbell of a single process. */
export function memoryDoorbell(): MemoryDoorbell {
  let seq = 0;
  /** Rings of names that are no longer remembered were all at or before this. */
  let forgottenSeq = 0;
  const lastRings = new Map<string, number>();
  const waiters = new Map<string, Set<() => void>>();
  let count = 0;

  const hasRung = ({ name, seq: since }: Ticket): boolean => (lastRings.get(name) ?? forgottenSeq) > since;

  return {
    ticket: async (name) => ({ name, seq }),

    wait: (ticket, timeoutMs, signal) => {
      if (signal?.aborted === true) return Promise.resolve('aborted');
      if (hasRung(ticket)) return Promise.resolve('rung');
      if (!(timeoutMs > 0)) return Promise.resolve('timeout');
      return new Promise((resolve) => {
        const waiting = waiters.get(ticket.name) ?? new Set();
        waiters.set(ticket.name, waiting);
        const finish = (outcome: WaitOutcome): void => {
          if (!waiting.delete(wake)) return;
          count -= 1;
          if (waiting.size === 0 && waiters.get(ticket.name) === waiting) waiters.delete(ticket.name);
          clearTimeout(timer);
          signal?.removeEventListener('abort', abort);
          resolve(outcome);
        };
        const wake = (): void => finish('rung');
        const abort = (): void => finish('aborted');
        const timer = setTimeout(() => finish('timeout'), Math.min(timeoutMs, longestTimerMs));
        signal?.addEventListener('abort', abort, { once: true });
        waiting.add(wake);
        count += 1;
      });
    },

    ring: (name) => {
      seq += 1;
      // Deleted first, so that the map stays in the order of last rings.
      lastRings.delete(name);
      lastRings.set(name, seq);
      if (lastRings.size > rememberedNames) {
        for (const [oldest, rungAt] of lastRings) {
          lastRings.delete(oldest);
          forgottenSeq = rungAt;
          break;
        }
      }
      const waiting = waiters.get(name);
      if (waiting) for (const wake of [...waiting]) wake();
    },

    waiting: () => count,
  };
}

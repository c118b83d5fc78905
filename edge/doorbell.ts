import { bells } from '../src/control/deps.ts';
import { type Doorbell, memoryDoorbell, type Ticket, type WaitOutcome } from '../src/store/doorbell.ts';

/**
 * How long a wait may be at most. Whoever waits reads the database again then, so that a ring that was lost
 * with an object's memory costs no more than this.
 */
const longestWaitMs = 60_000;

/** The part of a Durable Object's storage that wakes it at a time in Unix ms; a later one takes its place. */
export type Alarm = { setAlarm(atMs: number): Promise<void> };

/**
 * The doorbell of a Durable Object. One object serves a home, so that whoever rings and whoever waits meet in
 * its memory. A wait on the timer ends by a ring alone, which the object's alarm is to be followed by: an alarm
 * wakes an object that was evicted meanwhile, and a timer in memory would keep it from being evicted.
 */
export function durableDoorbell(alarm: Alarm, now: () => number): Doorbell {
  const memory = memoryDoorbell();
  const waiters = new Set<() => void>();

  const waitForTimer = (ticket: Ticket, signal?: AbortSignal): Promise<WaitOutcome> =>
    new Promise((resolve) => {
      const finish = (outcome: WaitOutcome): void => {
        waiters.delete(wake);
        signal?.removeEventListener('abort', abort);
        resolve(outcome);
      };
      const wake = (): void => finish('rung');
      const abort = (): void => finish('aborted');
      waiters.add(wake);
      signal?.addEventListener('abort', abort, { once: true });
      memory.wait(ticket, 0, signal).then((outcome) => {
        if (outcome !== 'timeout') finish(outcome);
      });
    });

  return {
    ticket: memory.ticket,
    wait: async (ticket, timeoutMs, signal) => {
      if (ticket.name !== bells.timer) {
        return memory.wait(ticket, Math.min(timeoutMs, longestWaitMs), signal);
      }
      if (!(timeoutMs > 0)) return memory.wait(ticket, timeoutMs, signal);
      await alarm.setAlarm(now() + timeoutMs);
      return waitForTimer(ticket, signal);
    },
    ring: (name) => {
      memory.ring(name);
      if (name === bells.timer) for (const wake of [...waiters]) wake();
    },
  };
}

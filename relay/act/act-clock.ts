import { askSynchronised } from '../agent/clock.ts';
import { sleep } from '../drivers/clock.ts';

/** Time as the helper uses it. Which boot this is, it need not know. */
export const actClock = {
  now: (): number => Date.now(),
  uptimeMs: (): number => Number(process.hrtime.bigint() / 1_000_000n),
  synchronised: askSynchronised,
  sleep,
};
export type ActClock = typeof actClock;

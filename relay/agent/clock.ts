import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import type { ActionClock } from '../actions/action.ts';
import { sleep } from '../drivers/clock.ts';

/** Time as the relay sees it. Everything that decides over jobs asks this, so that tests can set it. */
export type Clock = ActionClock & {
  /** An id that is new at each boot of this host. */
  bootId(): string;
  /** Whether the wall clock is kept by a time source. */
  synchronised(): Promise<boolean>;
};

export type SystemClockOptions = {
  /** Where the kernel tells the boot's id; a simulated host has a file of its own. */
  readonly bootIdFile?: string;
};

const synchronisedForMs = 60_000;

/** This machine's clocks. Throws when the boot's id cannot be read, because nothing can be judged without it. */
export function systemClock(options: SystemClockOptions = {}): Clock {
  const bootId = readFileSync(options.bootIdFile ?? '/proc/sys/kernel/random/boot_id', 'utf8').trim();
  if (!/^[A-Za-z0-9-]{1,64}$/.test(bootId)) throw new Error('the id of this boot is malformed');
  // On Linux this is CLOCK_MONOTONIC, which counts from the boot and is the same for every process.
  const uptimeMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);
  let known: { at: number; synchronised: boolean } | null = null;
  return {
    now: () => Date.now(),
    uptimeMs,
    bootId: () => bootId,
    async synchronised() {
      if (known === null || uptimeMs() - known.at > synchronisedForMs) {
        known = { at: uptimeMs(), synchronised: await askSynchronised() };
      }
      return known.synchronised;
    },
    sleep,
  };
}

/** The clock of the host of a relay; null when it cannot be read. A simulated host may say which boot this is. */
export function hostClock(isTrial: boolean, env: Readonly<Record<string, string | undefined>>): Clock | null {
  let clock: Clock;
  try {
    clock = systemClock();
  } catch {
    return null;
  }
  // The kernel's alone on a real host: whoever sets another there could end its steps with it.
  const simulated = isTrial ? env.WRIT_BOOT_ID : undefined;
  return simulated !== undefined && /^[A-Za-z0-9-]{1,64}$/.test(simulated)
    ? { ...clock, bootId: () => simulated }
    : clock;
}

/** Asks this machine whether a time source keeps its wall clock. */
export async function askSynchronised(): Promise<boolean> {
  try {
    await access('/run/systemd/timesync/synchronized');
    return true;
  } catch {
    // Other time daemons tell the kernel alone, which timedatectl shows.
  }
  return new Promise((resolve) => {
    execFile(
      'timedatectl',
      ['show', '--property=NTPSynchronized', '--value'],
      { timeout: 5_000 },
      (error, out) => resolve(error === null && out.trim() === 'yes'),
    );
  });
}

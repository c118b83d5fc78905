import { readLimit, type TrustGrant } from '../../schema/trust/grant.ts';
import type { StartEntry } from './journal-format.ts';

/**
 * Whether one more step may start under a grant: counted are the steps that its identity started with its
 * action on any of its targets. Ages are of the host's own life, so that setting a clock changes nothing; they
 * are never more than the time that passed, so a limit may hold longer than its window, but not shorter.
 *
 * @param livedMs what `Journal.livedMs` says now
 */
export function withinLimit(
  grant: TrustGrant,
  identity: string,
  starts: readonly StartEntry[],
  livedMs: number,
): boolean {
  if (grant.limit === undefined) return true;
  const { count, windowMs } = readLimit(grant.limit);
  let used = 0;
  for (const start of starts) {
    // Most are older, in a journal that keeps them for a month.
    if (livedMs - start.lived >= windowMs) continue;
    const counts =
      start.identity === identity && start.action === grant.action && grant.on.includes(start.target);
    if (counts) used += 1;
  }
  return used < count;
}

/** At most `count` events in any window of `windowMs`, kept in memory. */
export function createRateLimit(count: number, windowMs: number): (uptimeMs: number) => boolean {
  let taken: number[] = [];
  return (uptimeMs) => {
    taken = taken.filter((at) => uptimeMs - at < windowMs);
    if (taken.length >= count) return false;
    taken.push(uptimeMs);
    return true;
  };
}

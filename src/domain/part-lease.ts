import type { Trust } from '../../schema/trust/read.ts';
import type { PollRequest } from '../../schema/wire/relay-api.ts';
import { hasBegun, isAtWork } from './deployment.ts';
import { leaseMs } from './lease.ts';
import type { LeasablePart } from './release-ports.ts';
import type { RelayRecord } from './world.ts';

/** The protocol in which relays first knew jobs of releases. */
export const releaseProtocol = 2;
/** The one in which they first knew tokens of GitHub's, and notaries attestations of them. */
export const githubProtocol = 3;
const longestLeaseMs = 10 * 60_000;

/** Whether a part may go out to this run now: never offered to it, not heard by it, or its lease is over. */
function mayLease(
  { lease }: LeasablePart,
  { session, seen }: Pick<PollRequest, 'session' | 'seen'>,
  now: number,
): boolean {
  return lease === null || lease.session !== session || lease.seq > seen || lease.until <= now;
}

/**
 * Until when a part is left with a relay that heard of it: a part never expires, and one that a relay drops without a
 * word is offered more and more rarely.
 */
export const partLeaseUntil = ({ offers }: LeasablePart, now: number): number =>
  now + Math.min(leaseMs * 2 ** Math.min(offers, 10), longestLeaseMs);

/**
 * Whether a target can be worked on, as its relay saw it last. What was refused once needs another order, so that a
 * guest that is off, or not seen, gets its part once it runs.
 */
function isReady(trust: Trust, { report }: Pick<RelayRecord, 'report'>, target: string): boolean {
  if (!Object.hasOwn(trust.document.house.guests, target)) return true;
  const guests = report?.guests ?? {};
  const state = Object.hasOwn(guests, target) ? guests[target]!.state : 'unseen';
  return state === 'running' || state === 'missing' || state === 'mismatch';
}

/** What of a relay's open parts may go out now, and after how many ms another may without anything happening. */
export function offerable(
  trust: Trust,
  record: Pick<RelayRecord, 'report'>,
  request: Pick<PollRequest, 'session' | 'seen' | 'protocol'>,
  open: readonly LeasablePart[],
  now: number,
): { readonly parts: readonly LeasablePart[]; readonly againMs: number } {
  const busy = new Set(open.filter((part) => isAtWork(part, now)).map(({ target }) => target));
  const ready = open.filter(
    (part) => !hasBegun(part) && !busy.has(part.target) && isReady(trust, record, part.target),
  );
  const known = (part: LeasablePart): boolean => !part.byGithub || request.protocol >= githubProtocol;
  const parts = ready.filter((part) => known(part) && mayLease(part, request, now));
  const leases = ready
    .filter((part) => known(part) && !parts.includes(part))
    .map(({ lease }) => lease!.until - now);
  return { parts, againMs: Math.min(...leases, Number.POSITIVE_INFINITY) };
}

import type { PollRequest } from '../../schema/wire/relay-api.ts';
import type { LeasableStep } from './ports.ts';
import { type RelayRecord, saidPoweringOff } from './world.ts';

/** How long a job that was offered is left with its relay before it is offered again. */
export const leaseMs = 30_000;
/** How long after a report that did not end a wake the next one is asked for. */
const reportAgainMs = 5_000;

/** Whether a step may go out to this run now: never offered to it, not heard by it, or its lease is over. */
export function mayLease(
  step: LeasableStep,
  request: Pick<PollRequest, 'session' | 'seen'>,
  now: number,
): boolean {
  if (step.expires <= now) return false;
  if (step.state === 'queued') return true;
  if (step.state !== 'sent') return false;
  const { lease } = step;
  if (lease === null || lease.session !== request.session) return true;
  return lease.seq > request.seen || lease.until <= now;
}

/** The number of a job that was leased to a run with its command and not handed out yet; infinite for any other. */
export const numberOf = (
  { state, lease }: LeasableStep,
  { session, handed }: { readonly session: string; readonly handed: number },
): number =>
  state === 'sent' && lease?.session === session && lease.seq > handed ? lease.seq : Number.POSITIVE_INFINITY;

/** Whether a step is waking its host now. */
export const isWaking = (step: LeasableStep): boolean =>
  step.action === 'host.wake' && (step.state === 'sent' || step.state === 'started');

/** Whether the relay's last word still is that its host powers off. */
const hasLeft = (record: RelayRecord): boolean =>
  saidPoweringOff(record.report) && (record.sessionAt ?? 0) <= (record.reportAt ?? 0);

/** Whether a report came after the waking began, from a host that is not just powering off. */
export const provesWake = (record: RelayRecord, wake: LeasableStep): boolean =>
  record.reportAt !== null &&
  !saidPoweringOff(record.report) &&
  record.reportAt >= (wake.sentAt ?? Number.POSITIVE_INFINITY);

/**
 * Whether a host that is being woken has yet to report since that began. Clocks differ a little: while its
 * waker is not convinced, it is asked again.
 */
export function wantsReport(wake: LeasableStep, record: RelayRecord, now: number): boolean {
  const reportAt = record.reportAt ?? 0;
  const since = wake.startedAt ?? wake.sentAt ?? 0;
  return !hasLeft(record) && (reportAt <= since || now - reportAt >= reportAgainMs);
}

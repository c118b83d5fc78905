import { verifyJws } from '../../schema/jose/jws.ts';
import { keyOf } from '../../schema/trust/evaluate.ts';
import { clockSkewMs, maxReportBytes } from '../../schema/wire/limits.ts';
import { type Report, reportSchema } from '../../schema/wire/report.ts';
import type { ActionPorts } from '../actions/action.ts';
import type { Log } from '../log.ts';
import type { TrustStore } from './trust-store.ts';

/** Reports of other relays, as the API passes them on: they show that a host has woken. */
export type Evidence = {
  /** Takes a report if its own relay signed it and trust knows that relay. Never rejects. */
  take(jws: string): Promise<void>;
  readonly of: ActionPorts['evidenceOf'];
};

export function createEvidence(deps: {
  readonly home: string;
  readonly trust: TrustStore;
  readonly clock: { now(): number };
  readonly log: Log;
}): Evidence {
  const { home, trust, clock, log } = deps;
  // One report a relay: the newest.
  const newest = new Map<string, Report>();
  const waiting = new Set<() => void>();

  return {
    async take(jws) {
      const current = trust.current();
      const verified = await verifyJws('report', jws, {
        maxBytes: maxReportBytes,
        findKey: keyOf(current, 'relay'),
        schema: reportSchema,
      });
      if (!verified.ok) return log.warn('evidence_refused', { code: verified.reason });
      const { payload: report, key } = verified.value;
      const signer = current.identities.get(key.kid)?.name;
      if (report.home !== home || signer === undefined || report.relay !== signer) {
        return log.warn('evidence_refused', { code: 'evidence_foreign' });
      }
      if (report.time > clock.now() + clockSkewMs) {
        return log.warn('evidence_refused', { code: 'evidence_from_the_future' });
      }
      // Its last words before it goes down are later than a first packet, if that came too early.
      if (report.progress.some(({ phase }) => phase === 'powering_off')) return;
      const known = newest.get(signer);
      if (known !== undefined && known.time >= report.time) return;
      newest.set(signer, report);
      for (const look of [...waiting]) look();
    },
    of: (host, sinceMs, signal) =>
      new Promise((resolve) => {
        const end = (report: Report | null): void => {
          waiting.delete(look);
          signal.removeEventListener('abort', giveUp);
          resolve(report);
        };
        const look = (): void => {
          const report = newest.get(host);
          if (report !== undefined && report.time >= sinceMs) end(report);
        };
        const giveUp = (): void => end(null);
        if (signal.aborted) return resolve(null);
        waiting.add(look);
        signal.addEventListener('abort', giveUp);
        look();
      }),
  };
}

import type { Trust } from '../../schema/trust/read.ts';
import { isWaking, provesWake, wantsReport } from '../domain/lease.ts';
import type { LeasableStep, RelayStore } from '../domain/ports.ts';
import { type RelayRecord, relayKid } from '../domain/world.ts';

export type Evidence = { readonly host: string; readonly jws: string };

/** What a relay's poll is told of hosts that are being woken: by it, or it is on one of them. */
export async function findWakes(
  relays: RelayStore,
  trust: Trust,
  steps: readonly LeasableStep[],
  record: RelayRecord,
  now: number,
): Promise<{ readonly evidence: readonly Evidence[]; readonly reportWanted: boolean }> {
  const wakes = steps.filter(isWaking);
  const evidence: Evidence[] = [];
  for (const wake of wakes.filter(({ relay }) => relay === record.name)) {
    const jws = await evidenceOf(relays, trust, wake);
    if (jws !== null) evidence.push({ host: wake.target, jws });
  }
  const reportWanted = wakes.some((wake) => wake.target === record.name && wantsReport(wake, record, now));
  return { evidence, reportWanted };
}

/** The latest report of a host that is being woken, if it could prove that the host is awake. */
async function evidenceOf(relays: RelayStore, trust: Trust, wake: LeasableStep): Promise<string | null> {
  const kid = relayKid(trust, wake.target);
  const record = kid === undefined ? null : await relays.find(kid);
  if (record === null || !provesWake(record, wake)) return null;
  return relays.reportJws(record.kid);
}

import type { TargetView } from '../../schema/api/deployments.ts';
import type { Trust } from '../../schema/trust/read.ts';
import type { TargetReport } from '../../schema/wire/report.ts';
import type { TargetFacts } from './release-ports.ts';
import { type RelayRecord, relayKid } from './world.ts';

/** Whether nothing of a kind differs; null where the report does not tell. */
function isWithout(report: TargetReport | null, kind: 'file' | 'unit'): boolean | null {
  if (report === null || report.seen !== 'ok' || report.part === null) return null;
  if (report.drift.some((one) => one.kind === kind)) return false;
  return report.drifted > report.drift.length ? null : true;
}

function isDeployed(report: TargetReport | null, wanted: string | null): boolean | null {
  if (report === null || wanted === null) return null;
  if (report.part === null && report.seen !== 'ok') return null;
  return report.part === wanted;
}

/** The reports of targets that trust leaves to the relays that gave them, by target. */
export function reportsOfTargets(
  trust: Trust,
  relays: readonly RelayRecord[],
): ReadonlyMap<string, { readonly relay: string; readonly report: TargetReport }> {
  const { guests } = trust.document.house;
  const found = new Map<string, { relay: string; report: TargetReport }>();
  for (const { name, kid, report } of relays) {
    if (report?.targets === undefined || relayKid(trust, name) !== kid) continue;
    for (const [target, one] of Object.entries(report.targets)) {
      const speaker = Object.hasOwn(guests, target) ? guests[target]!.host : target;
      if (speaker === name) found.set(target, { relay: name, report: one });
    }
  }
  return found;
}

/** What every target is that a release or a report names, by name. */
export function targetViews(
  facts: readonly TargetFacts[],
  reports: ReturnType<typeof reportsOfTargets>,
): TargetView[] {
  const wanted = new Map(facts.map((fact) => [fact.target, fact]));
  return [...new Set([...wanted.keys(), ...reports.keys()])].sort().map((target) => {
    const fact = wanted.get(target);
    const told = reports.get(target);
    const report = told?.report ?? null;
    const part = fact?.newest.part ?? null;
    return {
      target,
      relay: part?.relay ?? told!.relay,
      wanted: part?.digest ?? null,
      commit: fact?.newest.commit ?? null,
      deployed: isDeployed(report, part?.digest ?? null),
      healthy: isWithout(report, 'unit'),
      synced: isWithout(report, 'file'),
      deployment: fact?.newest.deployment ?? null,
      state: part?.state ?? null,
      code: part?.code ?? null,
      healthy_at: fact?.healthyAt ?? null,
      report,
    };
  });
}

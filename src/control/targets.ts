import { reportsOfTargets, targetViews } from '../domain/target-view.ts';
import type { ControlDeps } from './deps.ts';
import type { TargetList, TargetMetrics } from './release-control.ts';
import type { TrustKeeper } from './trust-keeper.ts';

/** What the targets are, and the lowest number that a release from the desk may have. */
export async function readTargets(
  { store }: Pick<ControlDeps, 'store'>,
  keeper: TrustKeeper,
): Promise<TargetList> {
  const [trust, relays, facts, highest] = await Promise.all([
    keeper.current(),
    store.relays.all(),
    store.deployments.targets(),
    store.deployments.highest(),
  ]);
  const reports = trust === null ? new Map() : reportsOfTargets(trust, relays);
  const { run_id, run_attempt, desk } = highest ?? { run_id: 0, run_attempt: 0, desk: 0 };
  return { targets: targetViews(facts, reports), next: { run_id, run_attempt, desk: desk + 1 } };
}

/** What is measured of the targets. */
export async function measureTargets(
  deps: Pick<ControlDeps, 'store'>,
  keeper: TrustKeeper,
): Promise<TargetMetrics[]> {
  const { targets } = await readTargets(deps, keeper);
  return Promise.all(
    targets.map(async ({ target, relay, deployed, healthy, synced, commit, healthy_at, report }) => {
      const part = report?.part ?? null;
      const brought = async () => (part === null ? null : deps.store.deployments.commitOf(target, part));
      return {
        target,
        relay,
        deployed,
        healthy,
        synced,
        part,
        commit: deployed === true ? commit : await brought(),
        drifted: report?.seen === 'ok' ? report.drifted : null,
        certificates: report?.certificates ?? [],
        healthyAt: healthy_at,
      };
    }),
  );
}

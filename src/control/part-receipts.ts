import type { Receipt } from '../../schema/wire/receipt.ts';
import type { Report } from '../../schema/wire/report.ts';
import {
  applyPartReceipt,
  applyProgress,
  type Deployment,
  type DeploymentChange,
} from '../domain/deployment.ts';
import type { AuditNote } from '../domain/ports.ts';
import type { DeploymentUpdate } from '../domain/release-ports.ts';
import type { AuditLog } from './audit-log.ts';
import {
  changeDeployment,
  endOvertaken,
  ringForDeployment,
  toDeploymentUpdate,
} from './deployment-changes.ts';
import type { ControlDeps } from './deps.ts';
import { noteOfReceipt } from './receipt-notes.ts';

/** What a verified receipt of a part brings: a change of its deployment, or a note of what is wrong with it. */
type BroughtPart = { readonly update: DeploymentUpdate | null; readonly notes: readonly AuditNote[] };

/** Judges receipts of parts one after the other, as if each were stored when the next is judged. */
export function createPartJudge({
  store,
  clock,
}: Pick<ControlDeps, 'store' | 'clock'>): (receipt: Receipt) => Promise<BroughtPart> {
  const known = new Map<string, Deployment | null>();
  return async (receipt) => {
    const deployment = known.has(receipt.intent)
      ? known.get(receipt.intent)!
      : await store.deployments.loadByDigest(receipt.intent);
    const now = clock.now();
    const note = (event: string) =>
      noteOfReceipt(receipt, event, { deployment: deployment?.id ?? null }, now);
    if (deployment === null) return { update: null, notes: [note('receipt.unknown')] };
    const part = deployment.parts[receipt.step];
    if (part?.relay !== receipt.relay || part.target !== receipt.target) {
      return { update: null, notes: [note('receipt.mismatched')] };
    }
    const change = applyPartReceipt(deployment, receipt, now);
    if (change === null) return { update: null, notes: [note('receipt.contradicts')] };
    known.set(receipt.intent, { ...change.deployment, revision: change.deployment.revision + 1 });
    return {
      update: toDeploymentUpdate(deployment, change, now, [note(`receipt.${receipt.state}`)]),
      notes: [],
    };
  };
}

/** Tells what a stored receipt made of a deployment, and ends what is open of older ones there. */
export async function tellPart(
  deps: ControlDeps,
  log: AuditLog,
  change: DeploymentChange,
  { state, target }: Receipt,
): Promise<void> {
  ringForDeployment(deps, log, change);
  if (state === 'started') await endOvertaken(deps, log, change.deployment, target);
}

/** Moves the parts of which a report tells how far they are. */
export async function tellProgress(
  deps: ControlDeps,
  log: AuditLog,
  relay: string,
  { progress }: Report,
): Promise<void> {
  for (const { intent, step, phase } of progress) {
    if (phase !== 'staged' && phase !== 'activated') continue;
    await changeDeployment(
      deps,
      log,
      () => deps.store.deployments.loadByDigest(intent),
      (deployment) => applyProgress(deployment, relay, step, phase, deps.clock.now()),
    );
  }
}

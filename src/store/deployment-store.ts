import { and, asc, count, desc, eq, exists, isNull, lt } from 'drizzle-orm';
import type { TargetState } from '../../schema/api/deployments.ts';
import { deployment, deploymentTarget } from '../../schema/db/release-tables.ts';
import { receipt } from '../../schema/db/tables.ts';
import type { ReleaseOrderNumber } from '../../schema/wire/release-order.ts';
import type { Deployment } from '../domain/deployment.ts';
import type { DeploymentStore } from '../domain/release-ports.ts';
import {
  acceptStatements,
  type DeploymentRow,
  deploymentStatements,
  orderIn,
  type PartRow,
  toDeployment,
  toPart,
} from './deployment-rows.ts';
import { partQueries } from './part-queries.ts';
import type { Database } from './port.ts';
import { attempt, build, inSlot, prepared, run, select, slot, written } from './query.ts';
import { releaseTokenQueries } from './release-token-queries.ts';

const columns = {
  id: deployment.id,
  digest: deployment.digest,
  bytes: deployment.bytes,
  signer: deployment.signer,
  run_id: deployment.run_id,
  run_attempt: deployment.run_attempt,
  desk: deployment.desk,
  principal: deployment.principal,
  created_at: deployment.created_at,
  ended_at: deployment.ended_at,
  revision: deployment.revision,
};

const selectOne = prepared(() =>
  build
    .select(columns)
    .from(deployment)
    .where(eq(deployment.id, slot('id'))),
);
const selectByDigest = prepared(() =>
  build
    .select(columns)
    .from(deployment)
    .where(eq(deployment.digest, slot('digest'))),
);
const selectOpen = prepared(() =>
  build.select(columns).from(deployment).where(isNull(deployment.ended_at)).orderBy(asc(deployment.id)),
);
const selectParts = prepared(() =>
  build
    .select()
    .from(deploymentTarget)
    .where(inSlot(deploymentTarget.deployment, 'ids'))
    .orderBy(asc(deploymentTarget.part)),
);
const selectReceipts = prepared(() =>
  build
    .select({ id: deployment.id, jws: receipt.jws })
    .from(receipt)
    .innerJoin(deployment, eq(deployment.digest, receipt.intent))
    .where(inSlot(deployment.id, 'ids'))
    .orderBy(asc(receipt.received_at), asc(receipt.seq)),
);
const selectHighest = prepared(() =>
  build
    .select({ run_id: deployment.run_id, run_attempt: deployment.run_attempt, desk: deployment.desk })
    .from(deployment)
    .orderBy(desc(deployment.run_id), desc(deployment.run_attempt), desc(deployment.desk))
    .limit(1),
);
const selectCommit = prepared(() =>
  build
    .select({ bytes: deployment.bytes })
    .from(deploymentTarget)
    .innerJoin(deployment, eq(deployment.id, deploymentTarget.deployment))
    .where(and(eq(deploymentTarget.target, slot('target')), eq(deploymentTarget.digest, slot('digest'))))
    .orderBy(desc(deployment.run_id), desc(deployment.run_attempt), desc(deployment.desk))
    .limit(1),
);
const selectCounts = prepared(() =>
  build
    .select({ state: deploymentTarget.state, count: count().as('count') })
    .from(deploymentTarget)
    .groupBy(deploymentTarget.state),
);

/** Whether a part ended, before its relay began it, earlier than an order was accepted. */
const cameToNothing = (part: string, before: string): string =>
  `(${part}.started_at IS NULL AND ${part}.ended_at IS NOT NULL AND ${part}.ended_at < ${before}.created_at)`;

/** Each target's part of its highest order; of one that came to nothing, what was accepted afterwards is the newer. */
const newestParts = `SELECT part.*, made.bytes AS bytes FROM deployment_target AS part
  JOIN deployment AS made ON made.id = part.deployment
  WHERE NOT EXISTS (
    SELECT 1 FROM deployment_target AS other JOIN deployment AS above ON above.id = other.deployment
    WHERE other.target = part.target AND other.deployment <> part.deployment AND CASE
      WHEN (above.run_id, above.run_attempt, above.desk) > (made.run_id, made.run_attempt, made.desk)
      THEN NOT ${cameToNothing('other', 'made')}
      ELSE ${cameToNothing('part', 'above')} END)`;
const selectTargets = written<PartRow & { readonly bytes: string; readonly healthy_at: number | null }>(
  `SELECT newest.*, (SELECT max(ended_at) FROM deployment_target AS past
    WHERE past.target = newest.target AND past.state = 'healthy') AS healthy_at
  FROM (${newestParts}) AS newest ORDER BY newest.target`,
);
/** Those that ended, but the newest so many, each target's newest, and the last that was healthy on each. */
const forgettable = `ended_at IS NOT NULL
  AND id NOT IN (SELECT id FROM deployment ORDER BY id DESC LIMIT ?)
  AND id NOT IN (SELECT deployment FROM (${newestParts}))
  AND id NOT IN (SELECT max(deployment) FROM deployment_target WHERE state = 'healthy' GROUP BY target)`;
const selectForgettable = written<{ readonly id: string }>(
  `SELECT id FROM deployment WHERE ${forgettable} LIMIT 1`,
);
const forgetting = [
  written(`DELETE FROM deployment WHERE ${forgettable}`),
  written('DELETE FROM deployment_target WHERE deployment NOT IN (SELECT id FROM deployment)'),
  written('DELETE FROM release_token WHERE deployment NOT IN (SELECT id FROM deployment)'),
  written('DELETE FROM part_blob WHERE part NOT IN (SELECT digest FROM deployment_target)'),
] as const;

export function deploymentStore(database: Database): DeploymentStore {
  const complete = async (rows: readonly DeploymentRow[]): Promise<Deployment[]> => {
    if (rows.length === 0) return [];
    const ids = JSON.stringify(rows.map((row) => row.id));
    const parts = await select(database, selectParts({ ids }));
    return rows.map((row) =>
      toDeployment(
        row,
        parts.filter((part) => part.deployment === row.id),
      ),
    );
  };
  const only = async (rows: readonly DeploymentRow[]): Promise<Deployment | null> =>
    (await complete(rows))[0] ?? null;

  return {
    ...partQueries(database),
    ...releaseTokenQueries(database),
    accept: async (made) => {
      const refusal = await attempt(database, acceptStatements(made), {
        'deployment.digest': 'known',
        order_below: 'order_below',
        blob_missing: 'blob_missing',
        stale: 'stale',
      } as const);
      return refusal ?? 'accepted';
    },
    load: async (id) => only(await select(database, selectOne({ id }))),
    loadByDigest: async (digest) => only(await select(database, selectByDigest({ digest }))),
    open: async () => complete(await select(database, selectOpen({}))),
    list: async ({ target, before, limit }) => {
      const query = build
        .select(columns)
        .from(deployment)
        .where(
          and(
            before === null ? undefined : lt(deployment.id, before),
            target === null
              ? undefined
              : exists(
                  build
                    .select({ part: deploymentTarget.part })
                    .from(deploymentTarget)
                    .where(
                      and(
                        eq(deploymentTarget.target, target),
                        eq(deploymentTarget.deployment, deployment.id),
                      ),
                    ),
                ),
          ),
        )
        .orderBy(desc(deployment.id))
        .limit(limit);
      return complete(await select(database, query));
    },
    update: async (update) =>
      (await attempt(database, deploymentStatements(update), { stale: 'stale' } as const)) ?? 'updated',
    receiptsOf: async (ids) => {
      const found = new Map<string, string[]>();
      if (ids.length === 0) return found;
      for (const { id, jws } of await select(database, selectReceipts({ ids: JSON.stringify(ids) }))) {
        found.set(id, [...(found.get(id) ?? []), jws]);
      }
      return found;
    },
    targets: async () =>
      (await select(database, selectTargets())).map(({ bytes, healthy_at, ...row }) => ({
        target: row.target,
        newest: { deployment: row.deployment, part: toPart(row), commit: orderIn(bytes).commit },
        healthyAt: healthy_at,
      })),
    commitOf: async (target, digest) => {
      const [row] = await select(database, selectCommit({ target, digest }));
      return row === undefined ? null : orderIn(row.bytes).commit;
    },
    highest: async () => {
      const [row] = await select(database, selectHighest({}));
      return (row satisfies ReleaseOrderNumber | undefined) ?? null;
    },
    countByState: async () =>
      new Map(
        (await select(database, selectCounts({}))).map(
          (row) => [row.state as TargetState, row.count] as const,
        ),
      ),
    forget: async (keep) => {
      if ((await select(database, selectForgettable(keep))).length === 0) return;
      await run(database, [forgetting[0](keep), forgetting[1](), forgetting[2](), forgetting[3]()]);
    },
  };
}

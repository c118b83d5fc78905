import { and, asc, eq, exists, getTableColumns, inArray, sql } from 'drizzle-orm';
import { deployment, deploymentTarget, releaseToken } from '../../schema/db/release-tables.ts';
import { relay } from '../../schema/db/tables.ts';
import type { DeploymentStore } from '../domain/release-ports.ts';
import { toLeasable } from './deployment-rows.ts';
import { isNewestRun, raiseJobNumber } from './job-queries.ts';
import type { Database } from './port.ts';
import { build, inSlot, prepared, run, select, slot } from './query.ts';

const selectOpen = prepared(() =>
  build
    .select({
      ...getTableColumns(deploymentTarget),
      intent: sql<string>`${deployment.digest}`.as('intent'),
      token: releaseToken.token,
    })
    .from(deploymentTarget)
    .innerJoin(deployment, eq(deployment.id, deploymentTarget.deployment))
    .leftJoin(releaseToken, eq(releaseToken.deployment, deployment.id))
    .where(
      and(
        eq(deploymentTarget.relay, slot('relay')),
        inArray(deploymentTarget.state, ['pending', 'staged', 'activated']),
      ),
    )
    .orderBy(
      asc(deployment.run_id),
      asc(deployment.run_attempt),
      asc(deployment.desk),
      asc(deploymentTarget.part),
    ),
);
const selectSigned = prepared(() =>
  build
    .select({
      id: deployment.id,
      bytes: deployment.bytes,
      authorisation: deployment.authorisation,
      signer: deployment.signer,
      time: releaseToken.time,
    })
    .from(deployment)
    .leftJoin(releaseToken, eq(releaseToken.deployment, deployment.id))
    .where(inSlot(deployment.id, 'ids')),
);
const leasePart = prepared(() =>
  build
    .update(deploymentTarget)
    .set({
      offers: sql`${deploymentTarget.offers} + 1`,
      lease_session: sql`${slot('session')}`,
      lease_seq: sql`(SELECT ${relay.job_seq} - ${slot('back')} FROM ${relay} WHERE ${relay.kid} = ${slot('kid')})`,
      lease_until: sql`${slot('until')}`,
    })
    .where(
      and(
        eq(deploymentTarget.deployment, slot('deployment')),
        eq(deploymentTarget.part, slot('part')),
        eq(deploymentTarget.state, 'pending'),
        eq(deploymentTarget.offers, slot('offers')),
        exists(build.select({ kid: relay.kid }).from(relay).where(isNewestRun)),
      ),
    )
    .returning({
      deployment: deploymentTarget.deployment,
      part: deploymentTarget.part,
      seq: sql`${deploymentTarget.lease_seq}`.as('seq'),
    }),
);

/** What a relay's poll reads and writes of parts. */
export function partQueries(database: Database): Pick<DeploymentStore, 'openOf' | 'signed' | 'lease'> {
  return {
    openOf: async (name) => (await select(database, selectOpen({ relay: name }))).map(toLeasable),
    signed: async (ids) => {
      const rows = await select(database, selectSigned({ ids: JSON.stringify(ids) }));
      return new Map(rows.map(({ id, ...signed }) => [id, signed]));
    },
    lease: async ({ kid, session, seen, parts, untils }) => {
      const results = await run(database, [
        raiseJobNumber({ kid, session, seen, count: parts.length }),
        ...parts.map(({ deployment: id, part, offers }, index) =>
          leasePart({
            kid,
            session,
            deployment: id,
            part,
            offers,
            back: parts.length - 1 - index,
            until: untils[index],
          }),
        ),
      ]);
      return results.slice(1).flatMap(({ rows }) =>
        rows.map((row) => ({
          deployment: String(row.deployment),
          part: Number(row.part),
          seq: Number(row.seq),
        })),
      );
    },
  };
}

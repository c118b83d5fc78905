import { and, eq } from 'drizzle-orm';
import type { TargetState } from '../../schema/api/deployments.ts';
import { deployment, deploymentTarget } from '../../schema/db/release-tables.ts';
import { decodeBase64url } from '../../schema/jose/base64url.ts';
import type { ReleaseOrder } from '../../schema/wire/release-order.ts';
import type { StepResult } from '../domain/command.ts';
import type { Deployment, PartRecord } from '../domain/deployment.ts';
import type { DeploymentUpdate, LeasablePart, NewDeployment } from '../domain/release-ports.ts';
import { noteStatements } from './audit-store.ts';
import type { BuiltQuery } from './port.ts';
import { build, insertInto, prepared, slot, slotsOf, written } from './query.ts';
import { insertToken } from './release-token-queries.ts';

export type DeploymentRow = Omit<typeof deployment.$inferSelect, 'release' | 'authorisation'>;
export type PartRow = typeof deploymentTarget.$inferSelect;

/** The order in bytes that were read under all rules before they were stored. */
export function orderIn(bytes: string): ReleaseOrder {
  const decoded = decodeBase64url(bytes);
  if (!decoded.ok) throw new Error('a stored order is no base64url');
  return JSON.parse(new TextDecoder().decode(decoded.value)) as ReleaseOrder;
}

export const toPart = (row: PartRow): PartRecord => ({
  part: row.part,
  relay: row.relay,
  target: row.target,
  digest: row.digest,
  state: row.state as TargetState,
  code: row.code,
  result: row.result_json === null ? null : (JSON.parse(row.result_json) as StepResult),
  receipted: row.receipted === 1,
  startedAt: row.started_at,
  endedAt: row.ended_at,
});

export const toDeployment = (row: DeploymentRow, parts: readonly PartRow[]): Deployment => ({
  id: row.id,
  digest: row.digest,
  order: orderIn(row.bytes),
  signer: row.signer,
  principal: row.principal,
  createdAt: row.created_at,
  endedAt: row.ended_at,
  revision: row.revision,
  parts: parts.map(toPart),
});

export const toLeasable = (
  row: PartRow & { readonly intent: string; readonly token: string | null },
): LeasablePart => ({
  ...toPart(row),
  deployment: row.deployment,
  intent: row.intent,
  offers: row.offers,
  byGithub: row.token !== null,
  lease:
    row.lease_session === null
      ? null
      : { session: row.lease_session, seq: row.lease_seq!, until: row.lease_until! },
});

const insertDeployment = insertInto(deployment);
const insertPart = insertInto(deploymentTarget, [
  'deployment',
  'part',
  'relay',
  'target',
  'digest',
  'state',
  'code',
  'result_json',
  'receipted',
  'started_at',
  'ended_at',
  'offers',
]);
const updateDeployment = prepared(() =>
  build
    .update(deployment)
    .set(slotsOf(['ended_at', 'revision']))
    .where(eq(deployment.id, slot('id'))),
);
const updatePart = prepared(() =>
  build
    .update(deploymentTarget)
    .set(slotsOf(['state', 'code', 'result_json', 'receipted', 'started_at', 'ended_at']))
    .where(and(eq(deploymentTarget.deployment, slot('deployment')), eq(deploymentTarget.part, slot('part')))),
);

const partValues = (part: PartRecord) => ({
  part: part.part,
  state: part.state,
  code: part.code,
  result_json: part.result === null ? null : JSON.stringify(part.result),
  receipted: part.receipted ? 1 : 0,
  started_at: part.startedAt,
  ended_at: part.endedAt,
});

/** Ties a part to what it names, in one statement however much that is. */
const nameBlobs = written('INSERT OR IGNORE INTO part_blob (part, blob) SELECT ?, value FROM json_each(?)');

/** The statements that store a deployment. */
export const acceptStatements = (made: NewDeployment): BuiltQuery[] => {
  const { deployment: one, signed, names, token } = made;
  return [
    // First, because of a target's parts one alone may wait.
    ...made.updates.flatMap(deploymentStatements),
    insertDeployment({
      id: one.id,
      digest: one.digest,
      release: one.order.release,
      bytes: signed.bytes,
      authorisation: signed.authorisation,
      signer: one.signer,
      ...one.order.order,
      principal: one.principal,
      created_at: one.createdAt,
      ended_at: one.endedAt,
      revision: 1,
    }),
    ...(token === null
      ? []
      : [insertToken({ deployment: one.id, token: token.digest, expires: token.expiresMs, time: null })]),
    ...[...names].map(([part, blobs]) => nameBlobs(part, JSON.stringify(blobs))),
    ...one.parts.map((part) =>
      insertPart({
        ...partValues(part),
        deployment: one.id,
        relay: part.relay,
        target: part.target,
        digest: part.digest,
        offers: 0,
      }),
    ),
    ...noteStatements([made.note]),
  ];
};

/** The statements of a change. The first aborts the batch when the deployment was changed since it was read. */
export const deploymentStatements = ({
  deployment: changed,
  parts,
  notes,
}: DeploymentUpdate): BuiltQuery[] => [
  updateDeployment({ id: changed.id, ended_at: changed.endedAt, revision: changed.revision + 1 }),
  ...parts.map((part) => updatePart({ ...partValues(part), deployment: changed.id })),
  ...noteStatements(notes),
];

import * as v from 'valibot';
import {
  blobParamsSchema,
  deploymentListSchema,
  deploymentViewSchema,
  missingAnswerSchema,
  missingRequestSchema,
  releaseRequestSchema,
  targetListSchema,
} from '../../../schema/api/deployments.ts';
import { deploymentIdSchema, nameSchema } from '../../../schema/wire/ids.ts';
import { maxBlobBytes } from '../../../schema/wire/limits.ts';
import { answer, bytesBody, defineRoute, json, problem, type Reply, type Route } from '../route.ts';
import { callerOf } from './relay.ts';
import { emptyAnswer, numberInQuery, waitQuery } from './shapes.ts';

/** 20,000 digests, and the JSON around them. */
const missingBodyBytes = 2 * 1024 * 1024;

const writing = { tag: 'Releases', authority: 'releaser', permission: () => 'release' } as const;
const reading = {
  method: 'GET',
  tag: 'Releases',
  authority: 'reader',
  permission: () => 'status',
} as const;

const bytesType = 'application/octet-stream';
const bytesAnswer = { description: 'Its bytes.', types: [bytesType] };
const digestOf = ({ sha256 }: { readonly sha256: string }): string => `sha256:${sha256}`;
const bytesReply = (bytes: Uint8Array<ArrayBuffer> | null): Reply =>
  bytes === null ? problem({ reason: 'blob_unknown' }) : { kind: 'bytes', type: bytesType, bytes };

const deploymentParams = v.strictObject({ id: deploymentIdSchema });
const listQuery = v.strictObject({
  target: v.optional(nameSchema),
  limit: v.optional(numberInQuery(1, 200)),
  before: v.optional(deploymentIdSchema),
});

export const releaseRoutes: readonly Route[] = [
  defineRoute({
    ...writing,
    method: 'POST',
    path: '/v1/blobs/missing',
    summary: 'Ask which blobs of a release are not here yet',
    description: 'Those that are here stay for a day at least.',
    body: missingRequestSchema,
    maxBodyBytes: missingBodyBytes,
    answers: { 200: { description: 'What to upload.', schema: missingAnswerSchema } },
    handle: async ({ body }, { control }) => json({ missing: await control.releases.missing(body.digests) }),
  }),
  defineRoute({
    ...writing,
    method: 'PUT',
    path: '/v1/blobs/{sha256}',
    summary: 'Upload a blob of a release: its manifest, a part, a file',
    description: 'Its address is the SHA-256 of its bytes. The same again changes nothing.',
    params: blobParamsSchema,
    takes: 'bytes',
    body: bytesBody,
    maxBodyBytes: maxBlobBytes,
    answers: { 200: emptyAnswer },
    handle: async ({ grant, params, body }, { control }) => {
      if (body.digest !== digestOf(params)) return problem({ reason: 'blob_digest' });
      await control.releases.putBlob(grant, body.digest, body.bytes);
      return json({});
    },
  }),
  defineRoute({
    ...writing,
    authority: 'signer',
    method: 'GET',
    path: '/v1/blobs/{sha256}',
    summary: 'Read a blob of a release that is kept',
    params: blobParamsSchema,
    answers: { 200: bytesAnswer },
    handle: async ({ params }, { control }) => bytesReply(await control.releases.blob(digestOf(params))),
  }),
  defineRoute({
    method: 'GET',
    tag: 'Relays',
    path: '/v1/relay/blobs/{sha256}',
    summary: 'Read a blob of a part that is for this relay',
    authority: 'relay',
    permission: () => 'relay',
    params: blobParamsSchema,
    answers: { 200: bytesAnswer },
    handle: async ({ grant, params }, { control }) =>
      bytesReply(await control.releases.blobFor(callerOf(grant).name, digestOf(params))),
  }),
  defineRoute({
    ...writing,
    method: 'POST',
    path: '/v1/releases',
    summary: 'Order a release, signed by a key or a workflow of trust, once all of it was uploaded',
    description: 'The very same order again gives the same deployment.',
    body: releaseRequestSchema,
    speaks: true,
    answers: {
      200: { description: 'It was accepted before, and has ended.', schema: deploymentViewSchema },
      202: { description: 'It is on its way.', schema: deploymentViewSchema },
    },
    handle: async ({ grant, body }, { control }) =>
      answer(await control.releases.release(grant, body), ({ deployment, replayed }) => ({
        kind: 'json',
        status: deployment.ended_at === null ? 202 : 200,
        body: deployment,
        sentence: deployment.sentence,
        headers: {
          location: `/v1/deployments/${deployment.id}`,
          ...(replayed && { 'idempotency-replayed': 'true' }),
        },
      })),
  }),
  defineRoute({
    ...reading,
    path: '/v1/deployments',
    summary: 'List deployments, the newest first',
    query: listQuery,
    answers: { 200: { description: 'The deployments.', schema: deploymentListSchema } },
    handle: async ({ query }, { control }) => {
      const { target, limit, before } = query;
      const deployments = await control.releases.deployments({
        ...(target !== undefined && { target }),
        ...(limit !== undefined && { limit }),
        ...(before !== undefined && { before }),
      });
      return json({ deployments });
    },
  }),
  defineRoute({
    ...reading,
    authority: 'release reader',
    path: '/v1/deployments/{id}',
    summary: 'Read a deployment, with its targets and signed receipts',
    description: 'With `wait`, answers once nothing more of it is to come or the time is over.',
    params: deploymentParams,
    query: waitQuery,
    speaks: true,
    answers: { 200: { description: 'The deployment as it is.', schema: deploymentViewSchema } },
    handle: async ({ params, query, signal }, { control }) => {
      const waitMs = (query.wait ?? 0) * 1000;
      const deployment =
        waitMs > 0
          ? await control.releases.wait(params.id, waitMs, signal)
          : await control.releases.deployment(params.id);
      if (deployment === null) {
        return problem({ reason: 'deployment_unknown', detail: `There is no deployment ${params.id}.` });
      }
      return {
        kind: 'json',
        status: 200,
        body: deployment,
        sentence: deployment.sentence,
        ...(deployment.ended_at === null && { spokenStatus: 202 }),
      };
    },
  }),
  defineRoute({
    ...reading,
    path: '/v1/targets',
    summary: 'List the targets of releases: what runs on each, and whether it is as wanted',
    answers: { 200: { description: 'The targets.', schema: targetListSchema } },
    handle: async (_, { control }) => json(await control.releases.targets()),
  }),
];

import * as v from 'valibot';
import {
  setupAnswerSchema,
  setupRequestSchema,
  trustAcceptedSchema,
  trustUploadSchema,
} from '../../../schema/api/access.ts';
import { maxTrustBytes } from '../../../schema/wire/limits.ts';
import { trustChainSchema } from '../../../schema/wire/relay-api.ts';
import { answer, defineRoute, json, type Route } from '../route.ts';
import { numberInQuery } from './shapes.ts';

/** A document, its signatures, and room for the JSON around it. */
const trustBodyBytes = maxTrustBytes + 64 * 1024;

export const trustRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/trust',
    tag: 'Trust',
    summary: 'All versions of the trust document after one, the oldest first',
    authority: 'pending relay',
    query: v.strictObject({ after: v.optional(numberInQuery(0, Number.MAX_SAFE_INTEGER)) }),
    permission: () => 'status',
    answers: { 200: { description: 'The chain of versions.', schema: trustChainSchema } },
    handle: async ({ query }, { control }) => json(await control.trust.chain(query.after ?? 0)),
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/trust',
    tag: 'Trust',
    summary: 'Put the next version, signed by the roots, into force',
    authority: 'operator',
    body: trustUploadSchema,
    maxBodyBytes: trustBodyBytes,
    permission: () => 'trust',
    answers: { 200: { description: 'It is in force.', schema: trustAcceptedSchema } },
    handle: async ({ grant, body }, { control }) => answer(await control.trust.upload(grant, body.version)),
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/setup',
    tag: 'Trust',
    summary: 'Claim an unclaimed instance for its owner',
    description:
      'Takes the MAC by the setup code that `writ serve` printed, and a proof by the operator key.',
    authority: 'setup',
    body: setupRequestSchema,
    maxBodyBytes: 2 * trustBodyBytes,
    before: async (control) =>
      (await control.setup.claimed())
        ? { reason: 'already_set_up', detail: 'This instance has an owner.' }
        : null,
    permission: () => 'setup',
    answers: { 200: { description: 'It is claimed.', schema: setupAnswerSchema } },
    handle: async ({ body, proves }, { control }) => answer(await control.setup.claim(body, proves)),
  }),
];

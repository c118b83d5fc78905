import * as v from 'valibot';
import {
  setupAnswerSchema,
  setupRequestSchema,
  trustAcceptedSchema,
  trustUploadSchema,
} from '../../../schema/api/access.ts';
import { maxTrustBytes, maxTrustUploadBytes } from '../../../schema/wire/limits.ts';
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
    summary: 'Put the next versions, signed by the roots, into force',
    description:
      'Versions prove themselves: each is signed by the thresholds of the roots before it and of its own. The request is proved by the operator key that the newest of them names, so that an owner who lost every other key recovers with a root alone.',
    authority: 'roots',
    body: trustUploadSchema,
    maxBodyBytes: maxTrustUploadBytes,
    permission: () => 'trust',
    answers: { 200: { description: 'The newest is in force.', schema: trustAcceptedSchema } },
    handle: async ({ body, proves }, { control }) =>
      answer(await control.trust.upload(body.versions, proves)),
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

import { approvalListSchema, approvalRequestSchema, commandViewSchema } from '../../../schema/api/orders.ts';
import { approvalRight } from '../../control/approvals.ts';
import { answer, defineRoute, json, type Route } from '../route.ts';
import { followCommand } from './follow.ts';
import { commandParams, emptyBody } from './shapes.ts';

/** What the operator decides of orders that wait. */
export const approvalRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/approvals',
    tag: 'Approvals',
    summary: 'List what waits for the operator’s approval, with the bytes to be signed',
    authority: 'operator',
    permission: () => approvalRight,
    answers: { 200: { description: 'What waits, the newest first.', schema: approvalListSchema } },
    handle: async (_, { control }) => json({ approvals: await control.approvals.list() }),
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/commands/{id}/approval',
    tag: 'Approvals',
    summary: 'Approve an order that waits, by the operator’s signature of its bytes',
    description: 'Once: an order that was approved, denied or not approved in time is answered with 409.',
    authority: 'operator',
    params: commandParams,
    body: approvalRequestSchema,
    idempotent: true,
    permission: () => approvalRight,
    answers: {
      200: { description: 'It ended already.', schema: commandViewSchema },
      202: { description: 'It runs.', schema: commandViewSchema },
    },
    handle: async ({ grant, params, body, idempotency, signal }, deps) => {
      const options = idempotency && { idempotency };
      const result = await deps.control.approvals.approve(grant, params.id, body, options);
      if (!result.ok) return answer(result);
      return followCommand(deps, result.value, { waitS: undefined, signal });
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/commands/{id}/denial',
    tag: 'Approvals',
    summary: 'Deny an order that waits: nothing of it is done',
    authority: 'operator',
    params: commandParams,
    body: emptyBody,
    bodyOptional: true,
    permission: () => approvalRight,
    answers: { 200: { description: 'The command, which has ended.', schema: commandViewSchema } },
    handle: async ({ grant, params }, { control }) => answer(await control.approvals.deny(grant, params.id)),
  }),
];

import * as v from 'valibot';
import {
  commandListSchema,
  commandStates,
  commandViewSchema,
  planRequestSchema,
  planSchema,
  submitRequestSchema,
} from '../../../schema/api/orders.ts';
import { commandIdSchema } from '../../../schema/wire/ids.ts';
import { permissionOf } from '../../domain/order.ts';
import { answer, defineRoute, json, problem, type Route } from '../route.ts';
import { followCommand, hasEnded } from './follow.ts';
import { commandParams, emptyBody, numberInQuery, runbookParams, waitQuery } from './shapes.ts';

const listQuery = v.strictObject({
  state: v.optional(v.picklist(commandStates)),
  running: v.optional(v.picklist(['true'])),
  limit: v.optional(numberInQuery(1, 200)),
  before: v.optional(commandIdSchema),
});

const accepted = {
  200: { description: 'It ended within `wait`.', schema: commandViewSchema },
  202: {
    description: 'It was accepted and runs, or waits for the owner’s approval.',
    schema: commandViewSchema,
  },
};

export const commandRoutes: readonly Route[] = [
  defineRoute({
    method: 'POST',
    path: '/v1/runbooks/{name}/run',
    tag: 'Runbooks',
    summary: 'Run a runbook of the house',
    authority: 'orderer',
    params: runbookParams,
    query: waitQuery,
    body: emptyBody,
    bodyOptional: true,
    idempotent: true,
    speaks: true,
    permission: ({ params }) => permissionOf({ runbook: params.name }),
    answers: accepted,
    handle: async ({ grant, params, query, idempotency, signal }, deps) => {
      const options = idempotency && { idempotency };
      const result = await deps.control.orders.order(grant, { runbook: params.name }, options);
      if (!result.ok) return answer(result);
      return followCommand(deps, result.value, { waitS: query.wait, signal });
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/plans',
    tag: 'Commands',
    summary: 'Plan an order without ordering it',
    description:
      'Gives the bytes of the intent that would be executed, to be checked and signed. Nothing is stored.',
    authority: 'planner',
    body: planRequestSchema,
    permission: ({ body }) => permissionOf(body.order),
    answers: { 200: { description: 'The plan.', schema: planSchema } },
    handle: async ({ grant, body }, { control }) => answer(await control.orders.plan(grant, body.order)),
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/commands',
    tag: 'Commands',
    summary: 'Submit a planned intent that the operator signed',
    authority: 'signer',
    query: waitQuery,
    body: submitRequestSchema,
    idempotent: true,
    speaks: true,
    permission: ({ body }) => permissionOf(body.order),
    answers: accepted,
    handle: async ({ grant, body, query, idempotency, signal }, deps) => {
      const options = idempotency && { idempotency };
      const result = await deps.control.orders.submit(grant, body, options);
      if (!result.ok) return answer(result);
      return followCommand(deps, result.value, { waitS: query.wait, signal });
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/commands',
    tag: 'Commands',
    summary: 'List commands, the newest first',
    authority: 'reader',
    query: listQuery,
    permission: () => 'status',
    answers: { 200: { description: 'The commands.', schema: commandListSchema } },
    handle: async ({ query }, { control }) => {
      const commands = await control.orders.commands({
        ...(query.state !== undefined && { state: query.state }),
        ...(query.running !== undefined && { running: true }),
        ...(query.before !== undefined && { before: query.before }),
        limit: query.limit ?? 50,
      });
      return json({ commands });
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/commands/{id}',
    tag: 'Commands',
    summary: 'Read a command, with its steps and signed receipts',
    description:
      'Whoever may order the same may follow it. With `wait`, answers when it ends or the time is over.',
    authority: 'follower',
    params: commandParams,
    query: waitQuery,
    speaks: true,
    permission: async ({ params }, control) => {
      const command = await control.orders.command(params.id);
      return command === null ? 'status' : permissionOf(command.order);
    },
    answers: { 200: { description: 'The command as it is.', schema: commandViewSchema } },
    handle: async ({ params, query, signal }, { control }) => {
      const waitMs = (query.wait ?? 0) * 1000;
      const command =
        waitMs > 0
          ? await control.orders.wait(params.id, waitMs, signal)
          : await control.orders.command(params.id);
      if (command === null)
        return problem({ reason: 'command_unknown', detail: `There is no command ${params.id}.` });
      return {
        kind: 'json',
        status: 200,
        body: command,
        sentence: command.sentence,
        ...(!hasEnded(command) && { spokenStatus: 202 }),
      };
    },
  }),
];

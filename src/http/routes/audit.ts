import * as v from 'valibot';
import { auditPageSchema } from '../../../schema/api/house.ts';
import { eventStream } from '../events.ts';
import { defineRoute, json, problem, type Route } from '../route.ts';
import { numberInQuery } from './shapes.ts';

const placeSchema = numberInQuery(0, Number.MAX_SAFE_INTEGER);

export const auditRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/audit',
    tag: 'Audit',
    summary: 'Read the hash-chained audit log',
    authority: 'reader',
    query: v.strictObject({ after: v.optional(placeSchema), limit: v.optional(numberInQuery(1, 1000)) }),
    permission: () => 'status',
    answers: { 200: { description: 'Entries after a place, and the head.', schema: auditPageSchema } },
    handle: async ({ query }, { control }) =>
      json(await control.audit.page(query.after ?? 0, query.limit ?? 200)),
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/events',
    tag: 'Audit',
    summary: 'Follow what happens, as server-sent events',
    description: 'An event’s id is its place in the audit log; `Last-Event-ID` goes on after it.',
    authority: 'reader',
    permission: () => 'status',
    answers: { 200: { description: 'A stream of events.', types: ['text/event-stream'] } },
    handle: async (input, deps) => {
      const last = input.lastEventId === null ? null : v.safeParse(placeSchema, input.lastEventId);
      if (last !== null && !last.success) {
        return problem({
          reason: 'request_invalid',
          detail: 'Last-Event-ID must be the number of an event.',
        });
      }
      const events = eventStream(deps, {
        after: last === null ? null : last.output,
        principal: input.grant.principal,
        expires: input.expires,
        signal: input.signal,
      });
      return { kind: 'stream', type: 'text/event-stream', ...events };
    },
  }),
];

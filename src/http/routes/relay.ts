import { codeRequestSchema } from '../../../schema/api/house.ts';
import {
  enrolAnswerSchema,
  enrolRequestSchema,
  pollAnswerSchema,
  pollRequestSchema,
  receiptsAnswerSchema,
  receiptsRequestSchema,
  reportRequestSchema,
} from '../../../schema/wire/relay-api.ts';
import { timesRequestSchema } from '../../../schema/wire/time.ts';
import type { RelayCaller } from '../../control/control.ts';
import type { Grant } from '../../domain/principal.ts';
import { answer, defineRoute, json, type Route } from '../route.ts';
import { emptyAnswer } from './shapes.ts';

const common = {
  method: 'POST',
  tag: 'Relays',
  authority: 'relay',
  permission: () => 'relay',
} as const;

/** The relay that a grant is of: routes with the authority `relay` grant to no one else. */
export function callerOf(grant: Grant): RelayCaller {
  if (grant.principal.kind !== 'relay') throw new Error('a relay route was granted to another principal');
  return { name: grant.principal.name, kid: grant.principal.kid };
}

export const relayRoutes: readonly Route[] = [
  defineRoute({
    ...common,
    path: '/v1/relay/poll',
    summary: 'Wait for jobs',
    description: 'Parks up to `wait_ms` and answers with a signed heartbeat, jobs and evidence.',
    body: pollRequestSchema,
    answers: { 200: { description: 'What there is for the relay.', schema: pollAnswerSchema } },
    handle: async ({ grant, body, signal }, { control }) =>
      answer(await control.relay.poll(callerOf(grant), body, signal)),
  }),
  defineRoute({
    ...common,
    path: '/v1/relay/receipts',
    summary: 'Post receipts in order',
    body: receiptsRequestSchema,
    answers: { 200: { description: 'How far they are held.', schema: receiptsAnswerSchema } },
    handle: async ({ grant, body }, { control }) =>
      answer(await control.relay.receipts(callerOf(grant), body.receipts)),
  }),
  defineRoute({
    ...common,
    path: '/v1/relay/reports',
    summary: 'Post a report',
    body: reportRequestSchema,
    answers: { 200: emptyAnswer },
    handle: async ({ grant, body }, { control }) =>
      answer(await control.relay.report(callerOf(grant), body.report), () => json({})),
  }),
  defineRoute({
    ...common,
    path: '/v1/relay/times',
    summary: 'Post a notary’s attestations of tokens',
    body: timesRequestSchema,
    answers: { 200: emptyAnswer },
    handle: async ({ grant, body }, { control }) => {
      await control.relay.times(callerOf(grant), body.times);
      return json({});
    },
  }),
  defineRoute({
    ...common,
    path: '/v1/relay/enroll',
    authority: 'enrolment',
    summary: 'Enrol a relay with a single-use code',
    description: 'Authenticated by the MAC of the code’s secret and a proof by the new key.',
    body: enrolRequestSchema,
    maxBodyBytes: 72 * 1024,
    answers: { 200: { description: 'The trust document that it obeys.', schema: enrolAnswerSchema } },
    handle: async ({ body, proves }, { control }) => answer(await control.enrolment.enrol(body, proves)),
  }),
  defineRoute({
    ...common,
    path: '/v1/relays/codes',
    authority: 'operator',
    summary: 'Register a code that lets one relay enrol once',
    body: codeRequestSchema,
    permission: () => 'relays',
    answers: { 200: emptyAnswer },
    handle: async ({ grant, body }, { control }) =>
      answer(await control.enrolment.registerCode(grant, body), () => json({})),
  }),
];

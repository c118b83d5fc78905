import { houseUploadSchema } from '../../../schema/api/access.ts';
import {
  guestListSchema,
  hostListSchema,
  relayListSchema,
  runbookListSchema,
  signedReportsSchema,
  statusSchema,
} from '../../../schema/api/house.ts';
import { answer, defineRoute, json, problem, type Route } from '../route.ts';
import { emptyAnswer } from './shapes.ts';

const unclaimed = { reason: 'not_set_up', detail: 'No owner has claimed this instance yet.' } as const;

const reading = { method: 'GET', tag: 'House', authority: 'reader', permission: () => 'status' } as const;

export const houseRoutes: readonly Route[] = [
  defineRoute({
    ...reading,
    path: '/v1/status',
    summary: 'Hosts, guests, and what to look at',
    speaks: true,
    answers: { 200: { description: 'The home as it is.', schema: statusSchema } },
    handle: async (_, { control }) => {
      const status = await control.house.status();
      if (status === null) return problem(unclaimed);
      return { kind: 'json', status: 200, body: status, sentence: status.sentence };
    },
  }),
  defineRoute({
    ...reading,
    path: '/v1/hosts',
    summary: 'List the hosts',
    answers: { 200: { description: 'The hosts.', schema: hostListSchema } },
    handle: async (_, { control }) => json({ hosts: await control.house.hosts() }),
  }),
  defineRoute({
    ...reading,
    path: '/v1/guests',
    summary: 'List the guests',
    answers: { 200: { description: 'The guests.', schema: guestListSchema } },
    handle: async (_, { control }) => json({ guests: await control.house.guests() }),
  }),
  defineRoute({
    ...reading,
    path: '/v1/runbooks',
    summary: 'List the runbooks',
    answers: { 200: { description: 'The runbooks.', schema: runbookListSchema } },
    handle: async (_, { control }) => json({ runbooks: await control.house.runbooks() }),
  }),
  defineRoute({
    ...reading,
    path: '/v1/relays',
    summary: 'List the relays, admitted and pending',
    answers: { 200: { description: 'The relays.', schema: relayListSchema } },
    handle: async (_, { control }) => json({ relays: await control.house.relays() }),
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/relays/reports',
    tag: 'House',
    summary: 'Read the last report of each relay, as it signed it',
    description:
      'For whoever verifies what a relay said, such as to whom secrets of its machines are encrypted.',
    authority: 'signer',
    permission: () => 'release',
    answers: { 200: { description: 'Compact JWS, one a relay.', schema: signedReportsSchema } },
    handle: async (_, { control }) => json({ reports: await control.house.reports() }),
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/house',
    tag: 'House',
    summary: 'Read the house file as it was last uploaded',
    authority: 'operator',
    permission: () => 'house',
    answers: { 200: { description: 'The house file.', schema: houseUploadSchema } },
    handle: async (_, { control }) => {
      const file = await control.house.file();
      return file === null ? problem(unclaimed) : json(file);
    },
  }),
  defineRoute({
    method: 'PUT',
    path: '/v1/house',
    tag: 'House',
    summary: 'Replace runbooks and titles',
    description: 'Facts that decide anything on a relay are in the trust document alone.',
    authority: 'operator',
    body: houseUploadSchema,
    permission: () => 'house',
    answers: { 200: emptyAnswer },
    handle: async ({ grant, body }, { control }) =>
      answer(await control.house.upload(grant, body), () => json({})),
  }),
];

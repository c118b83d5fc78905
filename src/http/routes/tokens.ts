import {
  tokenCreatedSchema,
  tokenListSchema,
  tokenRequestSchema,
  tokenViewSchema,
} from '../../../schema/api/access.ts';
import { answer, defineRoute, json, type Route } from '../route.ts';
import { tokenParams } from './shapes.ts';

const common = { tag: 'Tokens', authority: 'operator', permission: () => 'tokens' } as const;

export const tokenRoutes: readonly Route[] = [
  defineRoute({
    ...common,
    method: 'GET',
    path: '/v1/tokens',
    summary: 'List tokens by their ids, with their last use',
    answers: { 200: { description: 'The tokens, without their texts.', schema: tokenListSchema } },
    handle: async (_, { control }) => json({ tokens: await control.tokens.list() }),
  }),
  defineRoute({
    ...common,
    method: 'POST',
    path: '/v1/tokens',
    summary: 'Make a token for a phone or a script',
    description: 'The token itself is in this answer alone; only its id is stored.',
    body: tokenRequestSchema,
    idempotent: true,
    answers: { 200: { description: 'The token.', schema: tokenCreatedSchema } },
    handle: async ({ grant, body, idempotency }, { control }) => {
      const created = await control.tokens.create(grant, body, idempotency && { idempotency });
      return answer(created, ({ view, token }) => json({ ...view, token }));
    },
  }),
  defineRoute({
    ...common,
    method: 'DELETE',
    path: '/v1/tokens/{id}',
    summary: 'Revoke a token, at once',
    params: tokenParams,
    answers: { 200: { description: 'The token as it is now.', schema: tokenViewSchema } },
    handle: async ({ grant, params }, { control }) => answer(await control.tokens.revoke(grant, params.id)),
  }),
];

import * as v from 'valibot';
import { tokenIdSchema } from '../../../schema/wire/ids.ts';
import { anyAnswer } from '../api.ts';
import { defineCommand } from '../command.ts';
import { done, exits, fail } from '../outcome.ts';
import { openSession } from '../session.ts';

export const tokensRevoke = defineCommand({
  name: 'tokens revoke',
  summary: 'Revoke a token at once',
  usage: 'ID',
  examples: [
    {
      line: 'writ tokens revoke tok_01K…',
      about: 'its next request is refused; writ tokens list has the ids',
    },
  ],
  options: {},
  async run(context, [id = '']) {
    if (!v.is(tokenIdSchema, id)) {
      return fail(exits.usage, 'id_invalid', `${id} is no token's id. They are listed by: writ tokens list`);
    }
    const session = await openSession(context);
    if (!session.ok) return session;
    const revoked = await session.value.api.call({
      method: 'DELETE',
      url: `/v1/tokens/${id}`,
      answer: anyAnswer,
    });
    if (!revoked.ok) return revoked;
    return done(`${id} is revoked.`, { id, revoked: true });
  },
});

import { tokenListSchema } from '../../../schema/api/access.ts';
import { defineCommand } from '../command.ts';
import { done } from '../outcome.ts';
import { openSession } from '../session.ts';
import { ago, localTime, table } from '../text.ts';

export const tokensList = defineCommand({
  name: 'tokens list',
  summary: 'List the tokens of phones, and when each was last used',
  usage: '',
  examples: [{ line: 'writ tokens list', about: 'names, scopes, last use, end' }],
  options: {},
  async run(context) {
    const session = await openSession(context);
    if (!session.ok) return session;
    const list = await session.value.api.call({ method: 'GET', url: '/v1/tokens', answer: tokenListSchema });
    if (!list.ok) return list;
    const rows = list.value.tokens.map((token) => [
      token.id,
      token.name,
      token.revoked_at !== null
        ? `revoked ${localTime(token.revoked_at)}`
        : token.expires_at <= context.now()
          ? 'expired'
          : `until ${localTime(token.expires_at)}`,
      token.last_used_at === null ? 'never used' : `used ${ago(context.now() - token.last_used_at)}`,
      token.scope.join(' '),
    ]);
    return done(rows.length === 0 ? 'There is no token.' : table(rows), list.value);
  },
});

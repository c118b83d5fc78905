import * as v from 'valibot';
import { commandViewSchema } from '../../../schema/api/orders.ts';
import { commandIdSchema } from '../../../schema/wire/ids.ts';
import { defineCommand } from '../command.ts';
import { done, exits, fail } from '../outcome.ts';
import { openSession } from '../session.ts';

export const deny = defineCommand({
  name: 'deny',
  summary: 'Deny an order that waits for your approval',
  usage: 'ID',
  examples: [{ line: 'writ deny cmd_01K…', about: 'it ends, and nothing of it is done' }],
  options: {},
  async run(context, [id = '']) {
    if (!v.is(commandIdSchema, id)) {
      return fail(
        exits.usage,
        'id_invalid',
        `${id} is no command's id. What waits is listed by: writ approvals`,
      );
    }
    const session = await openSession(context);
    if (!session.ok) return session;
    const answer = await session.value.api.call({
      method: 'POST',
      url: `/v1/commands/${id}/denial`,
      body: {},
      answer: commandViewSchema,
    });
    if (!answer.ok) return answer;
    return done(`${id} is denied: nothing of it was signed or done.`, answer.value);
  },
});

import { stringify } from 'yaml';
import { houseFileSchema } from '../../../schema/manifest/house.ts';
import { defineCommand } from '../command.ts';
import { done } from '../outcome.ts';
import { openSession } from '../session.ts';

export const houseShow = defineCommand({
  name: 'house show',
  summary: 'Print the house file that the control plane works with',
  usage: '',
  more: ['What relays go by is the trust document alone: writ trust show.'],
  examples: [
    { line: 'writ house show > house.yaml', about: 'the file again, where it was lost' },
    { line: 'writ house show --json', about: 'the same for a script' },
  ],
  options: {},
  async run(context) {
    const session = await openSession(context);
    if (!session.ok) return session;
    const answer = await session.value.api.call({ method: 'GET', url: '/v1/house', answer: houseFileSchema });
    if (!answer.ok) return answer;
    return done(stringify(answer.value).trimEnd(), answer.value);
  },
});

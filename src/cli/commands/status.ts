import { statusSchema } from '../../../schema/api/house.ts';
import { defineCommand } from '../command.ts';
import { done } from '../outcome.ts';
import { openSession } from '../session.ts';
import { table } from '../text.ts';

export const status = defineCommand({
  name: 'status',
  summary: 'Say what runs where',
  usage: '',
  examples: [
    { line: 'writ status', about: 'hosts and guests, one line each' },
    { line: 'writ status --json', about: 'the same for a script' },
  ],
  options: {},
  async run(context) {
    const session = await openSession(context);
    if (!session.ok) return session;
    const answer = await session.value.api.call({ method: 'GET', url: '/v1/status', answer: statusSchema });
    if (!answer.ok) return answer;
    const { sentence, warnings, hosts, guests } = answer.value;
    const lines = [sentence, ...warnings.map((text) => `Warning: ${text}`), ''];
    for (const host of hosts) {
      lines.push(`${host.name}  ${host.sentence}`);
      const rows = guests
        .filter((guest) => guest.host === host.name)
        .map((guest) => [
          `  ${guest.name}`,
          guest.state,
          guest.agent === 'answers' ? 'agent answers' : guest.agent === 'silent' ? 'agent silent' : '',
          guest.in_use === true ? 'in use' : '',
          guest.held_by === null ? '' : `held by ${guest.held_by}`,
        ]);
      if (rows.length > 0) lines.push(table(rows));
    }
    return done(lines.join('\n'), answer.value);
  },
});

import { fetchAudit } from '../audit-log.ts';
import { defineCommand } from '../command.ts';
import { done, exits, fail } from '../outcome.ts';
import { openSession } from '../session.ts';

export const auditExport = defineCommand({
  name: 'audit export',
  summary: 'Print the audit log, one entry a line, as it is chained',
  usage: '',
  examples: [
    {
      line: 'writ audit export > audit.jsonl',
      about: 'keep it elsewhere; writ audit verify checks it offline',
    },
  ],
  options: {},
  async run(context) {
    const session = await openSession(context);
    if (!session.ok) return session;
    const log = await fetchAudit(session.value, (count) => context.progress.say(`${count} entries`));
    if (!log.ok) return log;
    if (log.value.entries.some((entry) => entry.includes('\n'))) {
      return fail(exits.refused, 'chain_broken', 'An entry holds a line break, which no true entry does.');
    }
    return done(log.value.entries.join('\n'), log.value);
  },
});

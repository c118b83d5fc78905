import { readFileSync } from 'node:fs';
import { beginningOfAudit, followAudit } from '../audit-chain.ts';
import { fetchAudit } from '../audit-log.ts';
import { defineCommand } from '../command.ts';
import { readAuditHead, writeAuditHead } from '../home.ts';
import { done, exits, fail } from '../outcome.ts';
import { openSession } from '../session.ts';

export const auditVerify = defineCommand({
  name: 'audit verify',
  summary: 'Check that the audit log is whole: nothing changed, left out, or put in another order',
  usage: '[FILE]',
  more: [
    'Without FILE the log is fetched, and must also continue the one that was verified here last: so a log that was rewritten from the beginning is noticed. With FILE an export is checked offline; compare the hash of its end with one that a relay or an earlier run told.',
  ],
  examples: [
    { line: 'writ audit verify', about: 'the log of the control plane' },
    { line: 'writ audit verify audit.jsonl', about: 'an export; needs neither network nor keys' },
  ],
  options: {},
  async run(context, [file]) {
    const beginning = await beginningOfAudit();
    if (file !== undefined) {
      let text: string;
      try {
        text = readFileSync(file, 'utf8');
      } catch (error) {
        return fail(exits.usage, 'file_unreadable', `${file} cannot be read: ${(error as Error).message}.`);
      }
      const entries = text.split('\n').filter((line) => line !== '');
      const head = await followAudit(beginning, entries);
      if (!head.ok) return fail(exits.refused, head.reason, `${file} is not whole: ${head.detail}.`);
      return done(`${file} is whole: ${head.value.seq} entries, the last is ${head.value.hash}.`, {
        ...head.value,
        file,
      });
    }

    const session = await openSession(context);
    if (!session.ok) return session;
    const { directory } = session.value.home;
    const known = readAuditHead(directory);
    if (!known.ok) return known;
    const log = await fetchAudit(session.value, (count) => context.progress.say(`${count} entries`));
    if (!log.ok) return log;
    const { entries, head: claimed } = log.value;
    const split = known.value?.seq ?? 0;
    if (split > entries.length) {
      return fail(
        exits.refused,
        'audit_shortened',
        `The log has ${entries.length} entries, and had ${split} when it was verified here last. Entries were taken away.`,
      );
    }
    const middle = await followAudit(beginning, entries.slice(0, split));
    if (!middle.ok) return fail(exits.refused, middle.reason, `The log is not whole: ${middle.detail}.`);
    if (known.value !== null && middle.value.hash !== known.value.hash) {
      return fail(
        exits.refused,
        'audit_forked',
        `Entry ${split} is not the one that was verified here last. The log was rewritten.`,
      );
    }
    const head = await followAudit(middle.value, entries.slice(split));
    if (!head.ok) return fail(exits.refused, head.reason, `The log is not whole: ${head.detail}.`);
    if (head.value.seq !== claimed.seq || head.value.hash !== claimed.hash) {
      return fail(
        exits.refused,
        'audit_head',
        `The log ends at entry ${head.value.seq}, but its head is said to be entry ${claimed.seq}.`,
      );
    }
    writeAuditHead(directory, head.value);
    return done(
      `The log is whole: ${head.value.seq} entries, the last is ${head.value.hash}.${split > 0 ? ` It continues the one verified before (${split} entries).` : ''}`,
      head.value,
    );
  },
});

import { readFileSync } from 'node:fs';
import { beginningOfAudit, followAudit } from '../audit-chain.ts';
import { fetchAudit } from '../audit-log.ts';
import { defineCommand } from '../command.ts';
import { readAuditHead, writeAuditHead } from '../home.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { openSession } from '../session.ts';
import { checkWitnessed, gatherWitnesses, type WitnessedAudit } from '../witness/check.ts';
import type { ReadWitnesses } from '../witness/read.ts';

export const auditVerify = defineCommand({
  name: 'audit verify',
  summary: 'Check that the audit log is whole: nothing changed, left out, or put in another order',
  usage: '[FILE]',
  more: [
    'Without FILE the log is fetched, and must also continue the one that was verified here last: so a log that was rewritten from the beginning is noticed. With FILE an export is checked offline; compare the hash of its end with one that a relay or an earlier run told.',
    'With --witness the log is compared with what relays saw of it, and posted once a day by the alarm path that trust names: there the control plane can change nothing. SOURCE is a file with one witness a line, the address of an ntfy topic, or - for standard input. It tells the first entry that differs, and up to which entry who confirms all.',
  ],
  examples: [
    { line: 'writ audit verify', about: 'the log of the control plane' },
    { line: 'writ audit verify audit.jsonl', about: 'an export; needs neither network nor keys' },
    {
      line: 'writ audit verify --witness https://ntfy.example.net/my-topic',
      about: 'compare it with what relays posted there',
    },
  ],
  options: {
    witness: {
      type: 'list',
      value: 'SOURCE',
      about: 'what relays posted: a file, an ntfy topic or -; may be given several times',
    },
  },
  async run(context, [file], { witness }) {
    let witnesses: ReadWitnesses | null = null;
    if (witness.length > 0) {
      const home = await openSession(context, { offline: true });
      if (!home.ok) return home;
      // Before the log is fetched, which has all that they tell of by then.
      const gathered = await gatherWitnesses(context, home.value.home.trust, witness);
      if (!gathered.ok) return gathered;
      witnesses = gathered.value;
    }
    const beginning = await beginningOfAudit();
    if (file !== undefined) {
      let text: string;
      try {
        text = readFileSync(file, 'utf8');
      } catch (error) {
        return fail(exits.usage, 'file_unreadable', `${file} cannot be read: ${(error as Error).message}.`);
      }
      const entries = text.split('\n').filter((line) => line !== '');
      const witnessed = await checkAgainst(entries, witnesses);
      if (!witnessed.ok) return witnessed;
      const head = await followAudit(beginning, entries);
      if (!head.ok) return fail(exits.refused, head.reason, `${file} is not whole: ${head.detail}.`);
      return done(
        `${file} is whole: ${head.value.seq} entries, the last is ${head.value.hash}.${witnessed.value.text}`,
        { ...head.value, file, ...witnessed.value.json },
      );
    }

    const session = await openSession(context);
    if (!session.ok) return session;
    const { directory } = session.value.home;
    const known = readAuditHead(directory);
    if (!known.ok) return known;
    const log = await fetchAudit(session.value, (count) => context.progress.say(`${count} entries`));
    if (!log.ok) return log;
    const { entries, head: claimed } = log.value;
    const witnessed = await checkAgainst(entries, witnesses);
    if (!witnessed.ok) return witnessed;
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
      `The log is whole: ${head.value.seq} entries, the last is ${head.value.hash}.${split > 0 ? ` It continues the one verified before (${split} entries).` : ''}${witnessed.value.text}`,
      { ...head.value, ...witnessed.value.json },
    );
  },
});

type Added = { readonly text: string; readonly json: { readonly witnesses?: WitnessedAudit['json'] } };

/** What witnesses add to what is told; nothing where none were asked for. */
async function checkAgainst(
  entries: readonly string[],
  witnesses: ReadWitnesses | null,
): Promise<{ ok: true; value: Added } | Failure> {
  if (witnesses === null) return { ok: true, value: { text: '', json: {} } };
  const checked = await checkWitnessed(entries, witnesses);
  if (!checked.ok) return checked;
  return { ok: true, value: { text: `\n${checked.value.text}`, json: { witnesses: checked.value.json } } };
}

import { anyAnswer } from '../api.ts';
import { defineCommand } from '../command.ts';
import { readHouseFrom } from '../house-source.ts';
import { changeHouse } from '../make-trust.ts';
import { done, exits, fail } from '../outcome.ts';
import { rootOptions } from '../root-key.ts';
import { keepRunbooks } from '../runbooks.ts';
import { openSession, refreshTrust } from '../session.ts';
import { signNext } from '../sign-trust.ts';

export const houseSet = defineCommand({
  name: 'house set',
  summary: 'Put a changed house file into force, as a new trust version',
  usage: 'FILE',
  more: [
    'Hosts, guests and what may be ordered come from the file; keys, roots and the identities of adopted guests stay. A guest that moved to another VMID or host is to be adopted again, by enrolling its host’s relay anew.',
  ],
  examples: [{ line: 'writ house set house.yaml', about: 'shows what changes, asks, signs' }],
  options: {
    yes: { type: 'flag', about: 'do not ask' },
    ...rootOptions,
  },
  async run(context, [path = ''], values) {
    const file = readHouseFrom(path);
    if (!file.ok) return file;
    const session = await openSession(context);
    if (!session.ok) return session;
    const trust = await refreshTrust(session.value);
    if (!trust.ok) return trust;
    const changed = changeHouse(trust.value, file.value, context.now());
    if (!changed.ok) return fail(exits.usage, changed.reason, changed.detail ?? changed.reason);
    const { document, notes } = changed.value;
    let told: readonly string[] = notes;
    let version = trust.value.document.version;
    if (document !== null) {
      const next = { document, notes };
      const signed = await signNext(context, session.value, trust.value, next, { ...values, offline: false });
      if (!signed.ok) return signed;
      told = [...(values.yes ? signed.value.told : []), ...signed.value.next];
      version = document.version;
    }
    // Last: runbooks may name what only the new trust knows.
    const uploaded = await session.value.api.call({
      method: 'PUT',
      url: '/v1/house',
      body: file.value,
      answer: anyAnswer,
    });
    if (!uploaded.ok) {
      return {
        ...uploaded,
        detail: `${uploaded.detail}\nTrust is version ${version}; the runbooks are as before. Run the same command again.`,
      };
    }
    keepRunbooks(session.value.home.directory, file.value);
    return done([...told, `The house is set; trust is version ${version}.`].join('\n'), { version, notes });
  },
});

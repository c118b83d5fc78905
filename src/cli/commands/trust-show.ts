import { defineCommand } from '../command.ts';
import { rootWords } from '../grant-words.ts';
import { done } from '../outcome.ts';
import { openSession, refreshTrust } from '../session.ts';
import { trustInWords } from '../trust-words.ts';

export const trustShow = defineCommand({
  name: 'trust show',
  summary: 'Say in words who may order what, and what relays believe of the house',
  usage: '',
  examples: [{ line: 'writ trust show', about: 'the newest version, verified on this computer' }],
  options: {},
  async run(context) {
    const session = await openSession(context);
    if (!session.ok) return session;
    const trust = await refreshTrust(session.value);
    if (!trust.ok) return trust;
    const { document, digest } = trust.value;
    const said = done(trustInWords(trust.value, context.now()), { digest, document });
    return { ...said, bold: [rootWords] };
  },
});

import { relayListSchema } from '../../../schema/api/house.ts';
import { fingerprint } from '../../../schema/jose/keys.ts';
import { defineCommand } from '../command.ts';
import { done } from '../outcome.ts';
import { openSession } from '../session.ts';
import { ago, table } from '../text.ts';

export const relays = defineCommand({
  name: 'relays',
  summary: 'List the relays, admitted and pending',
  usage: '',
  examples: [
    { line: 'writ relays', about: 'who is in, who waits for approval, and when each was last heard' },
  ],
  options: {},
  async run(context) {
    const session = await openSession(context);
    if (!session.ok) return session;
    const list = await session.value.api.call({ method: 'GET', url: '/v1/relays', answer: relayListSchema });
    if (!list.ok) return list;
    const rows = list.value.relays.map((relay) => [
      relay.name,
      relay.state,
      fingerprint(relay.kid),
      relay.version ?? '',
      relay.trust_version === null ? '' : `trust ${relay.trust_version}`,
      relay.last_seen === null ? 'never heard' : ago(context.now() - relay.last_seen),
    ]);
    const waiting = list.value.relays.filter(({ state }) => state === 'pending').length;
    const text = [
      rows.length === 0 ? 'There is no relay yet. Next: writ relays add HOST…' : table(rows),
      ...(waiting > 0 ? ['', `${waiting} wait for you: writ relays approve`] : []),
    ].join('\n');
    return done(text, list.value);
  },
});

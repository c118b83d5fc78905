import { relayListSchema } from '../../../schema/api/house.ts';
import { fingerprint } from '../../../schema/jose/keys.ts';
import { enrolmentCodeLifetimeMs } from '../../../schema/wire/limits.ts';
import { defineCommand } from '../command.ts';
import { type VerifiedEnrolment, verifyEnrolment } from '../enrolments.ts';
import { readCodes, writeCodes } from '../home.ts';
import { admitRelays } from '../make-trust.ts';
import { done, exits, fail } from '../outcome.ts';
import { rootOptions } from '../root-key.ts';
import { openSession, refreshTrust } from '../session.ts';
import { signNext } from '../sign-trust.ts';
import { listed } from '../text.ts';

export const relaysApprove = defineCommand({
  name: 'relays approve',
  summary: 'Compare the fingerprints of the relays that enrolled, and admit them into trust',
  usage: '',
  more: [
    'Each relay showed its fingerprint when it enrolled. Compare: the same characters must stand here. One new trust version admits them all, with the guests and addresses that they reported.',
  ],
  examples: [
    { line: 'writ relays approve', about: 'compare, confirm, sign' },
    { line: 'writ relays approve --yes --passphrase-file /run/pass', about: 'for scripts: nothing is asked' },
  ],
  options: {
    yes: { type: 'flag', about: 'do not ask whether the fingerprints are the same' },
    ...rootOptions,
  },
  async run(context, _, values) {
    const session = await openSession(context);
    if (!session.ok) return session;
    const { home, api } = session.value;
    const trust = await refreshTrust(session.value);
    if (!trust.ok) return trust;
    const list = await api.call({ method: 'GET', url: '/v1/relays', answer: relayListSchema });
    if (!list.ok) return list;
    const kept = readCodes(home.directory);
    if (!kept.ok) return kept;
    // Of when a relay enrolled there is only the control plane's word: this computer's own clock bounds it.
    const codes = kept.value.filter(({ expires }) => context.now() < expires + enrolmentCodeLifetimeMs);

    const verified: VerifiedEnrolment[] = [];
    const refused: { relay: string; reason: string; detail: string }[] = [];
    for (const relay of list.value.relays.filter(({ state }) => state === 'pending')) {
      const judged = await verifyEnrolment(relay, codes);
      if (judged.ok) verified.push(judged.value);
      else refused.push({ relay: relay.name, reason: judged.reason, detail: judged.detail ?? judged.reason });
    }
    const complaints = refused.map(({ relay, detail }) => `${relay} is not admitted: ${detail}.`);
    if (verified.length === 0) {
      return refused.length > 0
        ? fail(exits.refused, refused[0]!.reason, complaints.join('\n'))
        : done('No relay waits for approval.', { admitted: [], refused: [], notes: [] });
    }

    const next = admitRelays(
      trust.value,
      verified.map(({ statement }) => statement),
      context.now(),
    );
    const notes = [
      ...complaints,
      'These relays enrolled with your codes:',
      ...verified.map(
        ({ statement, kid }) => `  ${statement.relay}  ${fingerprint(kid)}  (${statement.facts.hostname})`,
      ),
      ...next.notes.map(({ text }) => `Note: ${text}`),
    ];
    const question = 'Are these the fingerprints that the hosts showed?';
    const signed = await signNext(
      context,
      session.value,
      trust.value,
      { document: next.document, notes, question },
      { ...values, offline: false },
    );
    if (!signed.ok) return signed;
    const { document, digest } = signed.value.trust;
    const used = new Set(verified.map(({ code }) => code.code));
    writeCodes(
      home.directory,
      codes.filter(({ code }) => !used.has(code)),
    );
    const names = verified.map(({ statement }) => statement.relay);
    return done(
      [
        ...(values.yes ? signed.value.told : complaints),
        `${listed(names)} ${names.length === 1 ? 'is' : 'are'} admitted by trust version ${document.version}.`,
        ...signed.value.next,
      ].join('\n'),
      {
        admitted: verified.map(({ statement, kid }) => ({
          relay: statement.relay,
          fingerprint: fingerprint(kid),
          kid,
        })),
        refused,
        notes: next.notes,
        version: document.version,
        digest,
      },
    );
  },
});

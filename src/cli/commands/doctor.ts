import { tokenListSchema } from '../../../schema/api/access.ts';
import { relayListSchema, statusSchema } from '../../../schema/api/house.ts';
import { type Finding, findingLines, fine, isHealthy } from '../../../schema/doctor.ts';
import { programVersion } from '../../../schema/version.ts';
import { defineCommand } from '../command.ts';
import {
  checkClocks,
  checkKeys,
  checkRelays,
  checkTokens,
  checkTrustExpiry,
  checkWarnings,
  withoutControlPlane,
} from '../doctor.ts';
import { type Done, done, exits } from '../outcome.ts';
import { openSession, refreshTrust } from '../session.ts';

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Look at keys, clocks, trust, relays and tokens, and say how to mend what is wrong',
  usage: '',
  more: [
    'It changes nothing. Exits with 1 where there is a fault. writ-relay doctor does the same on a host.',
  ],
  examples: [
    { line: 'writ doctor', about: 'what was found, the worst last' },
    { line: 'writ doctor --json', about: 'the findings, for a script' },
  ],
  options: {},
  async run(context) {
    const keys = checkKeys(context.configDir);
    const session = await openSession(context);
    if (!session.ok) {
      // A key that others may read is not used for anything, so that all else has to wait.
      return keys.state === 'fault' ? found([keys, ...withoutControlPlane(session)]) : session;
    }
    const { home, api } = session.value;
    const findings: Finding[] = [keys];
    const askedAt = context.now();
    const status = await api.call({ method: 'GET', url: '/v1/status', answer: statusSchema });
    const answeredAt = context.now();
    let { trust } = home;
    if (!status.ok) findings.push(...withoutControlPlane(status));
    else {
      const newest = await refreshTrust(session.value);
      if (!newest.ok) return newest;
      trust = newest.value;
      const relays = await api.call({ method: 'GET', url: '/v1/relays', answer: relayListSchema });
      if (!relays.ok) return relays;
      const tokens = await api.call({ method: 'GET', url: '/v1/tokens', answer: tokenListSchema });
      if (!tokens.ok) return tokens;
      findings.push(
        fine(
          'api_reached',
          `${api.origin} answers${home.file.spki === null ? '' : ', with the key that is pinned'}.`,
        ),
        checkClocks(status.value, askedAt, answeredAt),
        ...checkRelays(relays.value.relays, programVersion, trust.document.version),
        ...checkTokens(tokens.value.tokens, context.now()),
        ...checkWarnings(status.value),
      );
    }
    findings.push(checkTrustExpiry(trust.document, context.now()));
    return found(findings);
  },
});

function found(findings: readonly Finding[]): Done {
  const healthy = isHealthy(findings);
  return done(
    findingLines(findings).join('\n'),
    { ok: healthy, findings },
    healthy ? exits.ok : exits.failed,
  );
}

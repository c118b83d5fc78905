import { nameOfKey } from '../../../schema/trust/evaluate.ts';
import { type Trust, trustExpired } from '../../../schema/trust/read.ts';
import { readCa } from '../ca/root.ts';
import type { Context } from '../command.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import { openSession, refreshTrust, type Session } from '../session.ts';
import { type Desk, readDesk } from './desk.ts';
import { formerParts } from './former.ts';
import { type Running, readRunning } from './running.ts';
import { lookAtTargets, type Sights, withReceipts } from './what-runs.ts';

/** What every command that signs a release knows before it does. */
export type Ready = {
  readonly session: Session;
  readonly trust: Trust;
  /** By what name trust knows the key that signs here. */
  readonly signer: string;
  readonly desk: Desk;
  readonly sights: Sights;
  readonly running: Running;
  /** The root of the private CA on this computer; null where it has none. */
  readonly caRoot: string | null;
};

/** Opens the home, refreshes trust, and looks at what runs. Refuses where no relay would take a word of this computer. */
export async function getReady(context: Context): Promise<{ ok: true; value: Ready } | Failure> {
  const session = await openSession(context);
  if (!session.ok) return session;
  const trust = await refreshTrust(session.value);
  if (!trust.ok) return trust;
  const { version } = trust.value.document;
  if (trustExpired(trust.value, context.now())) {
    return fail(
      exits.refused,
      'trust_expired',
      `Trust version ${version} has expired: no relay takes a release any more. Nothing was signed. Renew it: writ trust sign.`,
    );
  }
  const signer = nameOfKey(trust.value, session.value.home.operator.kid);
  if (signer === undefined || trust.value.document.identities[signer]?.kind !== 'key') {
    return fail(
      exits.refused,
      'operator_unknown',
      `The key on this computer is none of trust version ${version}: another was made since, or it was revoked. Nothing was signed. Deploy from a computer whose key trust names.`,
    );
  }
  const desk = readDesk(session.value.home.directory);
  if (!desk.ok) return desk;
  const seen = await lookAtTargets(session.value, trust.value);
  if (!seen.ok) return seen;
  const former = await formerParts(session.value, trust.value, desk.value, null);
  if (!former.ok) return former;
  const sights = withReceipts(seen.value, former.value, trust.value.document.house);
  const running = await readRunning(session.value.api, sights, former.value);
  if (!running.ok) return running;
  const ca = readCa(session.value.home.directory);
  if (!ca.ok) return ca;
  const caRoot = ca.value?.certificate ?? null;
  const ready = { trust: trust.value, signer, desk: desk.value, sights, running: running.value, caRoot };
  return { ok: true, value: { session: session.value, ...ready } };
}

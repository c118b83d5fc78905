import { trustAcceptedSchema } from '../../schema/api/access.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import type { TrustDocument } from '../../schema/trust/document.ts';
import { acceptNextTrust, signTrust, type Trust } from '../../schema/trust/read.ts';
import { writeTrust } from './home.ts';
import { exits, type Failure, fail } from './outcome.ts';
import type { Session } from './session.ts';

/** Signs the next version, judges it as relays will, and hands it to the control plane. */
export async function putIntoForce(
  { home, api }: Session,
  current: Trust,
  document: TrustDocument,
  root: SigningKey,
): Promise<{ ok: true; value: Trust } | Failure> {
  const next = await acceptNextTrust(current, await signTrust(document, [root]));
  if (!next.ok) {
    return fail(
      exits.failed,
      next.reason,
      `The new trust version would not be valid: ${next.detail ?? next.reason}. Nothing was sent.`,
    );
  }
  const accepted = await api.call({
    method: 'POST',
    url: '/v1/trust',
    body: { versions: [next.value.jws] },
    answer: trustAcceptedSchema,
  });
  if (!accepted.ok) return accepted;
  if (accepted.value.digest !== next.value.digest) {
    return fail(
      exits.refused,
      'trust_digest',
      'The control plane says that it put another document into force than was sent.',
    );
  }
  writeTrust(home.directory, next.value);
  return next;
}

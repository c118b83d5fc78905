import type { RelayView } from '../../schema/api/house.ts';
import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { parsePayload } from '../../schema/jose/jws.ts';
import { acceptKey } from '../../schema/jose/keys.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { enrolmentKey, enrolmentMac, sameMac } from '../../schema/wire/enrolment.ts';
import { clockSkewMs } from '../../schema/wire/limits.ts';
import { type EnrolmentStatement, enrolmentStatementSchema } from '../../schema/wire/relay-api.ts';
import type { PendingCode } from './home.ts';

export type VerifiedEnrolment = {
  readonly statement: EnrolmentStatement;
  /** Thumbprint of the key that enrolled. */
  readonly kid: string;
  readonly code: PendingCode;
};

export type EnrolmentRefusal =
  | 'code_unknown'
  | 'enrolment_forged'
  | 'enrolment_expired'
  | 'enrolment_mixed_up'
  | 'key_weak';

/**
 * Whether a relay that the control plane shows as pending is the one that was given the code at its console. The
 * MAC is made with the code's secret, which the control plane never saw; and what the statement says must be what
 * the code said.
 */
export async function verifyEnrolment(
  relay: RelayView,
  codes: readonly PendingCode[],
): Promise<Result<VerifiedEnrolment, EnrolmentRefusal>> {
  const { enrolment } = relay;
  const code = codes.find((one) => one.code === enrolment?.code);
  if (enrolment === null || code === undefined) {
    return refuse(
      'code_unknown',
      'its code was not made on this computer, or is long over. Make a new one: writ relays add',
    );
  }
  const bytes = decodeBase64url(enrolment.statement);
  if (!bytes.ok) return refuse('enrolment_forged', 'its statement is garbled');
  const mac = await enrolmentMac(await enrolmentKey(code.secret, 'owner'), bytes.value);
  if (!sameMac(mac, enrolment.owner_mac)) {
    return refuse(
      'enrolment_forged',
      'its statement was not made with the code’s secret: somebody changed it on the way, or enrolled in its place',
    );
  }
  const statement = parsePayload(bytes.value, enrolmentStatementSchema, 64 * 1024);
  if (!statement.ok)
    return refuse(
      'enrolment_forged',
      `its statement cannot be read: ${statement.detail ?? statement.reason}`,
    );
  const said = statement.value;
  if (
    said.home !== code.home ||
    said.relay !== code.relay ||
    said.code !== code.code ||
    relay.name !== code.relay
  ) {
    return refuse(
      'enrolment_mixed_up',
      `its statement is of ${said.relay} in ${said.home}, the code was for ${code.relay} in ${code.home}`,
    );
  }
  if (said.trust !== code.trust) {
    return refuse('enrolment_mixed_up', 'it was told to obey another trust document than the code named');
  }
  // The control plane says when it enrolled; a code that it held back and used late is refused all the same.
  if (enrolment.enrolled_at > code.expires + clockSkewMs) {
    return refuse(
      'enrolment_expired',
      'it enrolled after its code had expired. Make a new one: writ relays add',
    );
  }
  const key = await acceptKey(said.jwk);
  if (!key.ok) return refuse('key_weak', `its key is not acceptable: ${key.detail}`);
  if (key.value.kid !== relay.kid)
    return refuse('enrolment_mixed_up', 'the key shown is not the one in its statement');
  return ok({ statement: said, kid: key.value.kid, code });
}

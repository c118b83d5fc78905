import { trustAcceptedSchema } from '../../schema/api/access.ts';
import { maxTrustUploadBytes, maxTrustUploadVersions } from '../../schema/wire/limits.ts';
import type { TrustJws } from '../../schema/wire/relay-api.ts';
import type { Api, ApiFailure } from './api.ts';
import { newestOf } from './kept-trust.ts';
import { exits, fail } from './outcome.ts';

/** Room for the braces around the versions. */
const bodyBytes = maxTrustUploadBytes - 1024;

/**
 * Hands versions, oldest first, to the control plane, which passes over those it has. The API's operator must be the
 * one that the newest names.
 */
export async function sendTrust(
  api: Api,
  versions: readonly TrustJws[],
  digest: string,
): Promise<{ ok: true } | ApiFailure> {
  const accepted = await api.call({
    method: 'POST',
    url: '/v1/trust',
    body: { versions: newestOf(versions, bodyBytes, maxTrustUploadVersions) },
    answer: trustAcceptedSchema,
  });
  if (!accepted.ok) return accepted;
  if (accepted.value.digest === digest) return { ok: true };
  const other = fail(
    exits.refused,
    'trust_digest',
    'The control plane says that it put another document into force than was sent.',
  );
  return { ...other, ambiguous: false };
}

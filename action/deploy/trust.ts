import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { type Digest, digestOf } from '../../schema/jose/digest.ts';
import { acceptFirstTrust, followTrustChain, type Trust, trustExpired } from '../../schema/trust/read.ts';
import { maxTrustChainBytes } from '../../schema/wire/limits.ts';
import { trustChainSchema } from '../../schema/wire/relay-api.ts';
import type { Api } from '../../src/cli/api.ts';
import { exits, type Failure, fail } from '../../src/cli/outcome.ts';

/**
 * The newest trust that the control plane has, from the version that the workflow pins: by its digest, and by the roots'
 * signatures from there on. A control plane can withhold what is newer, until the document expires; it can invent nothing,
 * and go to nothing that is older than the pin.
 */
export async function fetchTrust(
  api: Api,
  { pin, home, now }: { readonly pin: Digest; readonly home: string; readonly now: number },
): Promise<{ ok: true; value: Trust } | Failure> {
  const refused = (detail: string): Failure =>
    fail(exits.refused, 'trust_unproven', `${detail} It was not believed, and nothing is taken for done.`);
  const chain = await api.call({
    method: 'GET',
    url: '/v1/trust?after=0',
    answer: trustChainSchema,
    maxBytes: maxTrustChainBytes,
  });
  if (!chain.ok) return chain;
  const { versions } = chain.value;
  const digests = await Promise.all(
    versions.map(async ({ payload }) => {
      const bytes = decodeBase64url(payload);
      return bytes.ok ? digestOf('trust', bytes.value) : null;
    }),
  );
  const at = digests.indexOf(pin);
  if (at < 0) {
    return refused(
      'The control plane does not show the version of the trust document that the workflow pins. It is another home’s, or no longer keeps that version: then run `writ ci init` again, on the owner’s computer.',
    );
  }
  const first = await acceptFirstTrust(versions[at]!, { digest: pin });
  if (!first.ok) return refused(`The pinned trust document is none: ${first.detail ?? first.reason}.`);
  const { trust, refusal } = await followTrustChain(first.value, versions.slice(at + 1));
  if (refusal !== null) {
    return refused(
      `The control plane offers a trust document that does not follow version ${trust.document.version}: ${refusal.detail ?? refusal.reason}.`,
    );
  }
  if (trust.document.home !== home)
    return refused('The trust document is of another home than the workflow.');
  if (trustExpired(trust, now)) return refused('The trust document has expired: sign a new version.');
  return { ok: true, value: trust };
}

import { maxTrustChainBytes } from '../../schema/wire/limits.ts';
import { type TrustJws, trustChainSchema } from '../../schema/wire/relay-api.ts';
import type { Link } from './link.ts';
import type { TrustStore } from './trust-store.ts';

const timeoutMs = 20_000;

/**
 * Versions of trust after a number, the oldest first, for the helper as root: it follows their chain itself. The relay
 * keeps the one in force alone; those between are the control plane's to give. Never rejects; none where none are to
 * be had.
 */
export function createTrustAfter(deps: {
  readonly trust: Pick<TrustStore, 'current'>;
  readonly link: Pick<Link, 'call'>;
}): (version: number) => Promise<readonly TrustJws[]> {
  return async (version) => {
    const { document, jws } = deps.trust.current();
    if (version >= document.version) return [];
    if (version === document.version - 1) return [jws];
    const answer = await deps.link.call({
      method: 'GET',
      path: `/v1/trust?after=${version}`,
      schema: trustChainSchema,
      maxBytes: maxTrustChainBytes,
      timeoutMs,
    });
    return answer.ok ? answer.value.versions : [];
  };
}

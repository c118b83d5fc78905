import type { Trust } from '../../schema/trust/read.ts';
import type { TokenClaims } from '../../schema/wire/token.ts';

/**
 * Remembers what tokens say whose signature verified: a phone sends the same one with each request, and what was signed
 * by a key stays so for as long as trust names that key. Nothing else of a token is remembered: its times, its
 * revocation and its scope are judged each time.
 */
export type VerifiedTokens = {
  /** The claims of a token that verified under this very document; by the digest of its text, which is kept nowhere. */
  find(trust: Trust, digest: string): TokenClaims | undefined;
  remember(trust: Trust, digest: string, claims: TokenClaims): void;
};

/** Only what the controller's own key signed gets here, so that strangers cannot fill it. */
const maxRemembered = 1_000;

export function memoryTokens(): VerifiedTokens {
  let under: Trust | null = null;
  const claimsOf = new Map<string, TokenClaims>();
  return {
    find: (trust, digest) => (trust === under ? claimsOf.get(digest) : undefined),
    remember: (trust, digest, claims) => {
      if (trust !== under || claimsOf.size >= maxRemembered) claimsOf.clear();
      under = trust;
      claimsOf.set(digest, claims);
    },
  };
}

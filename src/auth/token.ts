import { digestBytes, toBytes } from '../../schema/jose/digest.ts';
import { type JwsRefusal, verifyJws } from '../../schema/jose/jws.ts';
import { ok, type Result } from '../../schema/result.ts';
import { controllerName } from '../../schema/trust/document.ts';
import { keyOf } from '../../schema/trust/evaluate.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { clockSkewMs, maxTokenBytes } from '../../schema/wire/limits.ts';
import { type TokenClaims, tokenAudience, tokenSchema } from '../../schema/wire/token.ts';
import type { TokenControl } from '../control/control.ts';
import type { Principal } from '../domain/principal.ts';
import { type AuthRefused, unauthorised } from './reasons.ts';
import type { VerifiedTokens } from './verified-tokens.ts';

type TokenPrincipal = Extract<Principal, { kind: 'token' }>;
/** `expires` (ms): a stream that outlives its token is closed then. */
export type VerifiedToken = {
  readonly ok: true;
  readonly principal: TokenPrincipal;
  readonly expires: number;
};

const invalid = (cause: string): AuthRefused =>
  unauthorised('credentials_invalid', 'The token is not valid here.', cause);

/**
 * Verifies a phone's token: signed by the controller key that trust names, every claim as it must be
 * (RFC 7519 section 4.1), and its id known and not revoked. The stored name and scope must be those that it
 * states, so that neither the key alone nor the database alone widens a token.
 */
export async function verifyToken(
  deps: { trust: Trust; tokens: Pick<TokenControl, 'use'>; verified: VerifiedTokens; nowMs: number },
  text: string,
): Promise<VerifiedToken | AuthRefused> {
  const read = await readOnce(deps, text);
  if (!read.ok) return invalid(read.reason);
  const claims = read.value;
  const home = deps.trust.document.home;
  if (claims.iss !== home) return invalid('iss');
  if (claims.aud !== tokenAudience(home)) return invalid('aud');
  if (claims.exp <= claims.iat) return invalid('exp');
  if (claims.iat * 1000 > deps.nowMs + clockSkewMs) return invalid('iat');
  if (claims.exp * 1000 <= deps.nowMs) {
    return unauthorised('token_expired', 'The token has expired.', 'exp');
  }
  const used = await deps.tokens.use(claims.jti);
  if (!used.ok) {
    if (used.reason === 'token_unknown') return invalid('jti');
    return unauthorised(
      used.reason,
      used.reason === 'token_revoked' ? 'The token was revoked.' : 'The token has expired.',
      used.reason,
    );
  }
  if (used.value.name !== claims.sub) return invalid('sub');
  if (!sameScope(used.value.scope, claims.scope)) return invalid('scope');
  const principal: TokenPrincipal = {
    kind: 'token',
    id: claims.jti,
    name: claims.sub,
    scope: claims.scope,
  };
  return { ok: true, principal, expires: claims.exp * 1000 };
}

const sameScope = (stored: readonly string[], stated: readonly string[]): boolean =>
  stored.length === stated.length && stated.every((scope, index) => stored[index] === scope);

/** The claims of a token that the controller signed, verified the first time that it is seen under a document of trust. */
async function readOnce(
  { trust, verified }: { trust: Trust; verified: VerifiedTokens },
  text: string,
): Promise<Result<TokenClaims, JwsRefusal>> {
  const digest = await digestBytes(toBytes(text));
  const known = verified.find(trust, digest);
  if (known !== undefined) return ok(known);
  const read = await readToken(trust, text);
  if (read.ok) verified.remember(trust, digest, read.value);
  return read;
}

async function readToken(trust: Trust, text: string): Promise<Result<TokenClaims, JwsRefusal>> {
  const read = await verifyJws('token', text, {
    maxBytes: maxTokenBytes,
    findKey: keyOf(trust, 'key', controllerName),
    schema: tokenSchema,
  });
  return read.ok ? ok(read.value.payload) : read;
}

/** The claims of a token that the controller signed, whatever they are worth by now: to know whom a leak concerns. */
export async function readOwnToken(trust: Trust, text: string): Promise<TokenClaims | null> {
  const read = await readToken(trust, text);
  return read.ok ? read.value : null;
}

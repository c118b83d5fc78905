import { statusAudience } from '../../schema/github/audience.ts';
import { looksLikeGithub } from '../../schema/github/token.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { verifyWorkflow } from '../../schema/trust/verify-order.ts';
import { maxTokenBytes } from '../../schema/wire/limits.ts';
import { proofScheme } from '../../schema/wire/proof.ts';
import type { Control } from '../control/control.ts';
import type { Principal } from '../domain/principal.ts';
import type { Nonces } from './nonces.ts';
import { type ProvedRequest, verifyProof } from './proof.ts';
import { type AuthRefused, unauthorised } from './reasons.ts';
import { verifyToken } from './token.ts';
import type { VerifiedTokens } from './verified-tokens.ts';

export type AuthDeps = {
  readonly control: Pick<Control, 'trust' | 'tokens' | 'enrolment' | 'upkeep' | 'github'>;
  readonly nonces: Nonces;
  readonly verified: VerifiedTokens;
  now(): number;
};

export type Authenticated = {
  readonly ok: true;
  readonly principal: Principal;
  /** The digest that the body must have, where the caller proved one. */
  readonly body: string | null;
  /** When the credentials end by themselves, in ms. */
  readonly expires: number | null;
};

/** The text of one `Authorization` header in a scheme, or null. */
export function credentialsOf(header: string | null, scheme: 'Bearer' | 'Writ-Proof'): string | null {
  if (header === null || header.length > maxTokenBytes + 16) return null;
  const match = /^([A-Za-z-]{1,20}) ([A-Za-z0-9._-]+)$/.exec(header);
  return match !== null && match[1]!.toLowerCase() === scheme.toLowerCase() ? match[2]! : null;
}

/** Who makes a request, by its `Authorization` header alone. Nothing of the body is looked at. */
export async function authenticate(
  deps: AuthDeps,
  header: string | null,
  request: ProvedRequest,
): Promise<Authenticated | AuthRefused> {
  if (header === null) {
    return unauthorised('credentials_missing', 'This address needs credentials.', 'no header');
  }
  const trust: Trust | null = await deps.control.trust.current();
  const bearer = credentialsOf(header, 'Bearer');
  const proof = credentialsOf(header, proofScheme);
  if (trust === null || (bearer === null && proof === null)) {
    const cause = trust === null ? 'not set up' : 'scheme';
    return unauthorised('credentials_invalid', 'The credentials are not valid here.', cause);
  }
  const nowMs = deps.now();
  if (bearer !== null && looksLikeGithub(bearer)) {
    const audience = statusAudience(trust.document.home);
    const run = await verifyWorkflow(trust, bearer, { keys: deps.control.github, audience, now: nowMs });
    if (!run.ok) {
      const why = `GitHub's token is not taken: ${run.detail ?? run.reason}.`;
      return unauthorised('credentials_invalid', why, run.reason);
    }
    const { name, claims } = run.value;
    return { ok: true, principal: { kind: 'github', name }, body: null, expires: claims.exp * 1000 };
  }
  if (bearer !== null) {
    const token = await verifyToken(
      { trust, tokens: deps.control.tokens, verified: deps.verified, nowMs },
      bearer,
    );
    return token.ok ? { ...token, body: null } : token;
  }
  const { enrolment, upkeep } = deps.control;
  const verified = await verifyProof(
    { trust, enrolment, upkeep, nonces: deps.nonces, nowMs },
    proof!,
    request,
  );
  return verified.ok ? { ...verified, expires: null } : verified;
}

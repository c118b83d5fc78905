import * as v from 'valibot';
import { decodeBase64url } from '../jose/base64url.ts';
import { toBytes } from '../jose/digest.ts';
import { parsePayload } from '../jose/jws.ts';
import { parseStrictJson } from '../jose/strict-json.ts';
import { ok, type Result, refuse } from '../result.ts';
import { clockSkewMs, maxGithubTokenBytes } from '../wire/limits.ts';
import { type GithubClaims, githubClaimsSchema } from './claims.ts';
import type { GithubKeys, KeysRefusal } from './keys.ts';

export type GithubRefusal =
  | 'github_token_malformed'
  | 'github_token_signature'
  | 'github_token_audience'
  | 'github_token_expired'
  | KeysRefusal;

/** RFC 7515: what GitHub's header holds, and nothing that would name another key. */
const headerSchema = v.strictObject({
  alg: v.literal('RS256'),
  kid: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  typ: v.literal('JWT'),
  x5t: v.optional(v.pipe(v.string(), v.maxLength(100))),
});

/** GitHub's tokens live for five minutes; one of twice that is not believed, whoever signed it. */
const longestLifeMs = 10 * 60_000;
const oldestMs = 5 * 60_000;

const malformed = (detail: string) => refuse('github_token_malformed', detail);

/** Whether a text that authorises claims to be a token of GitHub's; both kinds are then verified by their own rules. */
export function looksLikeGithub(text: string): boolean {
  const header = decodeBase64url(text.slice(0, Math.max(0, text.indexOf('.'))));
  if (!header.ok) return false;
  const json = parseStrictJson(header.value, { maxBytes: 512, maxDepth: 2 });
  return json.ok && v.is(v.object({ alg: v.literal('RS256') }), json.value);
}

/**
 * Verifies an ID token of GitHub Actions (RFC 7519, signed RS256 as RFC 7518 section 3.3 has it): its signature by a key
 * of one of these issuers, which must be the one that it names; one audience, as text; its times.
 *
 * @param issuers those that trust names
 * @param seenMs when it was seen: now, or when a notary saw it
 */
export async function verifyGithubToken(
  text: string,
  {
    issuers,
    keys,
    audience,
    seenMs,
  }: {
    readonly issuers: readonly string[];
    readonly keys: GithubKeys;
    readonly audience: string;
    readonly seenMs: number;
  },
): Promise<Result<GithubClaims, GithubRefusal>> {
  if (text.length > maxGithubTokenBytes)
    return malformed(`it is longer than ${maxGithubTokenBytes} characters`);
  const parts = text.split('.');
  const [headerText = '', payloadText = '', signatureText = ''] = parts;
  const header = decodeBase64url(headerText);
  const payload = decodeBase64url(payloadText);
  const signature = decodeBase64url(signatureText);
  if (parts.length !== 3 || !header.ok || !payload.ok || !signature.ok) {
    return malformed('it is not three parts of canonical base64url');
  }
  const json = parseStrictJson(header.value, { maxBytes: 512, maxDepth: 2 });
  const head = json.ok ? v.safeParse(headerSchema, json.value) : null;
  if (head?.success !== true) return malformed('its header is not of alg RS256, kid and typ JWT');

  const input = toBytes(`${headerText}.${payloadText}`);
  let why: Result<never, GithubRefusal> = refuse('github_token_signature', 'trust names no issuer');
  for (const issuer of issuers) {
    const key = await keys.find(issuer, head.output.kid);
    if (!key.ok) why = key;
    else if (await key.value(input, signature.value)) {
      return judgeClaims(payload.value, { issuer, audience, seenMs });
    } else why = refuse('github_token_signature', 'its signature is not by the key that it names');
  }
  return why;
}

function judgeClaims(
  payload: Uint8Array<ArrayBuffer>,
  { issuer, audience, seenMs }: { issuer: string; audience: string; seenMs: number },
): Result<GithubClaims, GithubRefusal> {
  const parsed = parsePayload(payload, githubClaimsSchema, maxGithubTokenBytes);
  if (!parsed.ok) return malformed(parsed.detail ?? parsed.reason);
  const claims = parsed.value;
  if (claims.iss !== issuer) return refuse('github_token_signature', 'its key is another issuer’s');
  if (claims.aud !== audience)
    return refuse('github_token_audience', 'its audience is not what was submitted');
  const [iat, nbf, exp] = [claims.iat * 1000, claims.nbf * 1000, claims.exp * 1000];
  if (exp <= iat || exp - iat > longestLifeMs)
    return refuse('github_token_expired', 'it would live for too long');
  if (Math.max(iat, nbf) > seenMs + clockSkewMs) {
    return refuse('github_token_expired', 'it is of the future: the clocks differ');
  }
  return exp + clockSkewMs <= seenMs || iat + oldestMs + clockSkewMs <= seenMs
    ? refuse('github_token_expired', 'it has expired')
    : ok(claims);
}

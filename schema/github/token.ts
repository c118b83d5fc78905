import * as v from 'valibot';
import { decodeBase64url } from '../jose/base64url.ts';
import { toBytes } from '../jose/digest.ts';
import { parsePayload } from '../jose/jws.ts';
import { ok, type Result, refuse } from '../result.ts';
import { clockSkewMs, maxGithubTokenBytes } from '../wire/limits.ts';
import { type GithubClaims, githubClaimsSchema } from './claims.ts';
import type { GithubKeys, KeysRefusal } from './keys.ts';

export type GithubRefusal =
  | 'github_token_malformed'
  | 'github_token_signature'
  | 'github_token_audience'
  /** It is not alive, whatever the clocks say. */
  | 'github_token_times'
  | 'github_token_expired'
  | KeysRefusal;

/** RFC 7515: what GitHub's header holds, and nothing that would name another key. */
const headerSchema = v.strictObject({
  alg: v.literal('RS256'),
  kid: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  typ: v.literal('JWT'),
  x5t: v.optional(v.pipe(v.string(), v.maxLength(100))),
});

/** All that tells a token of GitHub's from what keys sign. */
const kindSchema = v.object({ alg: v.literal('RS256') });
const maxHeaderBytes = 512;
const notThreeParts = 'it is not three parts of canonical base64url';

/** GitHub's tokens live for five minutes; one of twice that is not believed, whoever signed it. */
const longestLifeMs = 10 * 60_000;
const oldestMs = 5 * 60_000;

const malformed = (detail: string) => refuse('github_token_malformed', detail);

/** Whether a text that authorises claims to be a token of GitHub's; both kinds are then verified by their own rules. */
export function looksLikeGithub(text: string): boolean {
  const header = decodeBase64url(text.slice(0, Math.max(0, text.indexOf('.'))));
  if (!header.ok) return false;
  return parsePayload(header.value, kindSchema, maxHeaderBytes).ok;
}

/** Before anything is verified: all that is read of a payload, to know whose keys to ask for. */
const issuerSchema = v.object({ iss: v.string() });

export type TokenView = {
  /** Those that trust names. */
  readonly issuers: readonly string[];
  readonly keys: GithubKeys;
  readonly audience: string;
  readonly now: number;
  /** Times at which it is known to have been there. They waive its end, and nothing else. */
  readonly seen?: readonly number[];
};

/**
 * Verifies an ID token of GitHub Actions (RFC 7519, signed RS256 as RFC 7518 section 3.3 has it): its signature by a key
 * of the issuer that it names, which must be one of these, letter by letter; one audience, as text; its times. No other
 * issuer is asked for a key: one that does not answer holds up nothing but its own tokens.
 *
 * That it was used before is not asked: what its audience binds it to, an order's bytes, is consumed once by their
 * digest, whatever brings them; and a token for the API only reads, and submits such orders.
 */
export async function verifyGithubToken(
  text: string,
  view: TokenView,
): Promise<Result<GithubClaims, GithubRefusal>> {
  if (text.length > maxGithubTokenBytes)
    return malformed(`it is longer than ${maxGithubTokenBytes} characters`);
  const parts = text.split('.');
  if (parts.length !== 3) return malformed(notThreeParts);
  const [headerText, payloadText, signatureText] = parts as [string, string, string];
  const header = decodeBase64url(headerText);
  const payload = decodeBase64url(payloadText);
  const signature = decodeBase64url(signatureText);
  if (!header.ok || !payload.ok || !signature.ok) return malformed(notThreeParts);
  const head = parsePayload(header.value, headerSchema, maxHeaderBytes);
  if (!head.ok) return malformed('its header is not of alg RS256, kid and typ JWT');

  const named = parsePayload(payload.value, issuerSchema, maxGithubTokenBytes);
  if (!named.ok) return malformed(named.detail ?? named.reason);
  const { iss } = named.value;
  if (!view.issuers.includes(iss)) return refuse('github_token_signature', 'trust names no such issuer');
  const key = await view.keys.find(iss, head.value.kid);
  if (!key.ok) return key;
  const isSigned = await key.value(toBytes(`${headerText}.${payloadText}`), signature.value);
  if (!isSigned) return refuse('github_token_signature', 'its signature is not by the key that it names');
  const claims = parsePayload(payload.value, githubClaimsSchema, maxGithubTokenBytes);
  return claims.ok ? judgeClaims(claims.value, view) : malformed(claims.detail ?? claims.reason);
}

function judgeClaims(
  claims: GithubClaims,
  { audience, now, seen = [] }: TokenView,
): Result<GithubClaims, GithubRefusal> {
  if (claims.aud !== audience)
    return refuse('github_token_audience', 'its audience is not what was submitted');
  const [iat, nbf, exp] = [claims.iat * 1000, claims.nbf * 1000, claims.exp * 1000];
  if (exp <= iat || exp - iat > longestLifeMs)
    return refuse('github_token_times', 'it would live for too long, or for no time');
  const from = Math.max(iat, nbf) - clockSkewMs;
  if (from > now) return refuse('github_token_times', 'it is of the future: the clocks differ');
  const to = Math.min(exp, iat + oldestMs) + clockSkewMs;
  const isAlive = [now, ...seen].some((at) => from <= at && at < to);
  return isAlive ? ok(claims) : refuse('github_token_expired', 'it has expired');
}

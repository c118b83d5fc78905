import { releaseAudience } from '../github/audience.ts';
import type { GithubClaims } from '../github/claims.ts';
import type { GithubKeys } from '../github/keys.ts';
import { issuerOf, judgePins } from '../github/pins.ts';
import { type GithubRefusal, looksLikeGithub, type TokenView, verifyGithubToken } from '../github/token.ts';
import { type Digest, digestBytes, digestOf, toBytes } from '../jose/digest.ts';
import { verifyJws } from '../jose/jws.ts';
import { ok, type Result, refuse } from '../result.ts';
import { clockSkewMs, maxAuthorisationBytes } from '../wire/limits.ts';
import { parseReleaseOrder, type ReleaseOrder, releaseAuthorisationSchema } from '../wire/release-order.ts';
import { timeAttestationSchema } from '../wire/time.ts';
import { isNotary, keyOf, nameOfKey } from './evaluate.ts';
import type { Trust } from './read.ts';

/** A release's order as it comes: its bytes, and who authorised them. */
export type SignedBytes = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** JWS of typ writ-release+jws over {home, kind, digest}, or an ID token of GitHub for these very bytes. */
  readonly authorisation: string;
  /** A notary's attestation of the token; for who comes too late to see it alive. */
  readonly time?: string | undefined;
};

/** With what GitHub's tokens are verified. */
export type GithubView = {
  readonly keys: GithubKeys;
  readonly now: number;
  /** When this very token was first seen here, where it was. */
  seenAt(token: Digest): number | undefined;
};

/** Why an order counts as said by nobody. */
export type OrderRefusal =
  | 'authorisation_invalid'
  | 'authorisation_home'
  | 'authorisation_digest'
  | 'release_malformed'
  | 'github_not_here'
  | 'github_stranger'
  | 'github_other_commit'
  | 'time_attestation_invalid'
  | GithubRefusal;

/** An order whose authorisation verified over its very bytes. */
export type VerifiedOrder = {
  readonly order: ReleaseOrder;
  /** digestOf('release') of its bytes: what receipts name. */
  readonly digest: Digest;
  /** The identity that authorised the whole order. */
  readonly identity: string;
  /** Of GitHub's, by which it was authorised; null: a key did. */
  readonly token: { readonly digest: Digest; readonly expiresMs: number } | null;
};

/**
 * Verifies who authorised an order, over its very bytes, and only then reads them.
 *
 * @param github null where its keys cannot be asked for: nothing of GitHub's is taken there
 */
export async function verifyOrder(
  trust: Trust,
  signed: SignedBytes,
  github: GithubView | null,
): Promise<Result<VerifiedOrder, OrderRefusal>> {
  const digest = await digestOf('release', signed.bytes);
  const identity = looksLikeGithub(signed.authorisation)
    ? await verifyByGithub(trust, signed, digest, github)
    : await verifyByKey(trust, signed.authorisation, digest);
  if (!identity.ok) return identity;
  const parsed = parseReleaseOrder(signed.bytes);
  if (!parsed.ok) return parsed;
  const { name, token } = identity.value;
  const order = parsed.value;
  if (token !== null && !isOfRun(order, token.claims)) {
    return refuse('github_other_commit', 'the order names another commit or run than the token');
  }
  const by = token === null ? null : { digest: token.digest, expiresMs: token.claims.exp * 1000 };
  return ok({ order, digest, identity: name, token: by });
}

type Authority = {
  readonly name: string;
  /** Of GitHub's, by which it was authorised. */
  readonly token: { readonly digest: Digest; readonly claims: GithubClaims } | null;
};

async function verifyByKey(
  trust: Trust,
  text: string,
  digest: Digest,
): Promise<Result<Authority, OrderRefusal>> {
  const authorisation = await verifyJws('release', text, {
    maxBytes: maxAuthorisationBytes,
    findKey: keyOf(trust, 'key'),
    schema: releaseAuthorisationSchema,
  });
  if (!authorisation.ok) return refuse('authorisation_invalid', authorisation.reason);
  const { payload, key } = authorisation.value;
  if (payload.home !== trust.document.home) return refuse('authorisation_home');
  if (payload.digest !== digest) return refuse('authorisation_digest');
  return ok({ name: nameOfKey(trust, key.kid)!, token: null });
}

async function verifyByGithub(
  trust: Trust,
  { authorisation: text, time }: SignedBytes,
  digest: Digest,
  github: GithubView | null,
): Promise<Result<Authority, OrderRefusal>> {
  if (github === null) return refuse('github_not_here', 'who acts here cannot ask GitHub for its keys');
  const token = await digestBytes(toBytes(text));
  const here = github.seenAt(token);
  const attested = time === undefined ? null : await readAttestation(trust, time, token, github.now);
  const run = await verifyWorkflow(trust, text, {
    keys: github.keys,
    audience: releaseAudience(trust.document.home, digest),
    now: github.now,
    seen: [...(here === undefined ? [] : [here]), ...(attested?.ok ? [attested.value] : [])],
  });
  if (run.ok) return ok({ name: run.value.name, token: { digest: token, claims: run.value.claims } });
  // One that is not valid harms nobody whose token is good without it.
  return run.reason === 'github_token_expired' && attested?.ok === false ? attested : run;
}

/** Verifies a token of GitHub's as one of a workflow that trust names: its name, and what the token says. */
export async function verifyWorkflow(
  trust: Trust,
  text: string,
  given: Omit<TokenView, 'issuers'>,
): Promise<Result<{ name: string; claims: GithubClaims }, GithubRefusal | 'github_stranger'>> {
  const workflows = Object.entries(trust.document.identities).flatMap(([name, identity]) =>
    identity.kind === 'github' ? [{ name, pins: identity }] : [],
  );
  const issuers = [...new Set(workflows.map(({ pins }) => issuerOf(pins)))];
  const claims = await verifyGithubToken(text, { ...given, issuers });
  if (!claims.ok) return claims;
  let why: Result<never, 'github_stranger'> = refuse('github_stranger', 'trust names no such repository');
  for (const { name, pins } of workflows) {
    const fits = judgePins(pins, claims.value);
    if (fits.ok) return ok({ name, claims: claims.value });
    if (pins.repository_id === claims.value.repository_id) why = fits;
  }
  return why;
}

/** When a notary says that it saw a token. */
async function readAttestation(
  trust: Trust,
  text: string,
  token: Digest,
  now: number,
): Promise<Result<number, 'time_attestation_invalid'>> {
  const read = await verifyJws('time', text, {
    maxBytes: maxAuthorisationBytes,
    findKey: (kid) => {
      const name = nameOfKey(trust, kid);
      return name !== undefined && isNotary(trust, name) ? keyOf(trust, 'relay', name)(kid) : undefined;
    },
    schema: timeAttestationSchema,
  });
  if (!read.ok) return refuse('time_attestation_invalid', read.reason);
  const { home, token: of, seen } = read.value.payload;
  if (home !== trust.document.home || of !== token) {
    return refuse('time_attestation_invalid', 'it is of another token or home');
  }
  return seen > now + clockSkewMs ? refuse('time_attestation_invalid', 'it is of the future') : ok(seen);
}

/** Of a workflow, an order is what its run says: of its commit, numbered by its run, and none from a desk. */
const isOfRun = ({ commit, order }: ReleaseOrder, { sha, run_id, run_attempt }: GithubClaims): boolean =>
  commit === sha && order.run_id === run_id && order.run_attempt === run_attempt && order.desk === 0;

import * as v from 'valibot';
import { runtime } from '#crypto';
import { decodeBase64url } from '../jose/base64url.ts';
import type { Verify } from '../jose/crypto.ts';
import { parsePayload } from '../jose/jws.ts';
import { ok, type Result, refuse } from '../result.ts';

export type KeysRefusal =
  /** The issuer's keys could not be had. */
  | 'github_keys_unreachable'
  /** The issuer has no such key. */
  | 'github_key_unknown';

/** Finds an issuer's key by its `kid`. Never throws. */
export type GithubKeys = { find(issuer: string, kid: string): Promise<Result<Verify, KeysRefusal>> };

/** A few keys with their certificates take 10 KB. */
export const maxJwksBytes = 64 * 1024;
const maxKeys = 32;

/** Where an issuer's keys are. Its discovery document is not asked: it would only say the same. */
export const jwksUrl = (issuer: string): string => `${issuer}/.well-known/jwks`;

const textSchema = v.pipe(v.string(), v.maxLength(1024));
/** RFC 7517; what else there is of a key is not looked at. */
const jwksSchema = v.object({
  keys: v.pipe(v.array(v.record(v.string(), v.unknown())), v.maxLength(maxKeys)),
});
const rsaKeySchema = v.object({
  kty: v.literal('RSA'),
  kid: v.pipe(textSchema, v.minLength(1)),
  n: textSchema,
  e: textSchema,
  alg: v.optional(v.literal('RS256')),
  use: v.optional(v.literal('sig')),
});

/** The keys of a set that can verify, by `kid`: RSA of 2048 to 6144 bits. One that stands twice counts as none. */
export async function readJwks(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Result<ReadonlyMap<string, Verify>, 'jwks_malformed'>> {
  const parsed = parsePayload(bytes, jwksSchema, maxJwksBytes);
  if (!parsed.ok) return refuse('jwks_malformed', parsed.detail);
  const keys = new Map<string, Verify>();
  const doubtful = new Set<string>();
  for (const one of parsed.value.keys) {
    const key = v.safeParse(rsaKeySchema, one);
    if (!key.success) continue;
    const { kid, n, e } = key.output;
    const modulus = decodeBase64url(n);
    const isStrong = modulus.ok && modulus.value.length >= 256 && modulus.value[0]! >= 0x80 && e === 'AQAB';
    if (!isStrong) continue;
    if (keys.has(kid)) doubtful.add(kid);
    const verify = await runtime.rsaVerifierOf({ n, e });
    if (verify !== null) keys.set(kid, verify);
  }
  for (const kid of doubtful) keys.delete(kid);
  return ok(keys);
}

/** How long an issuer's keys are good without asking. */
const freshMs = 60 * 60_000;
/** Whatever a stranger's tokens name: an issuer is asked again at most this often. */
const againMs = 60_000;

type Known = {
  keys: ReadonlyMap<string, Verify>;
  askedAt: number;
  goodUntil: number;
  asking: Promise<void> | null;
};

/**
 * Keys of issuers, fetched when they are needed: one fetch at a time for each, none sooner than a minute after the last
 * one ended, well or badly. Keys that were had before stay good while their issuer cannot be reached, for a day.
 *
 * @param load gives the bytes at an address, in `maxJwksBytes` and a few seconds, else null; never throws
 */
export function createGithubKeys(deps: {
  load(url: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Milliseconds that only go up. */
  uptimeMs(): number;
}): GithubKeys {
  const known = new Map<string, Known>();
  const dayMs = 24 * 60 * 60_000;

  const ask = async (issuer: string, to: Known): Promise<void> => {
    const bytes = await deps.load(jwksUrl(issuer));
    to.askedAt = deps.uptimeMs();
    const read = bytes === null ? null : await readJwks(bytes);
    if (read?.ok !== true) return;
    to.keys = read.value;
    to.goodUntil = to.askedAt + dayMs;
  };

  return {
    async find(issuer, kid) {
      let of = known.get(issuer);
      if (of === undefined) {
        of = {
          keys: new Map(),
          askedAt: Number.NEGATIVE_INFINITY,
          goodUntil: Number.NEGATIVE_INFINITY,
          asking: null,
        };
        known.set(issuer, of);
      }
      const sinceMs = deps.uptimeMs() - of.askedAt;
      const isWanted = sinceMs >= freshMs || (!of.keys.has(kid) && sinceMs >= againMs);
      if (isWanted || of.asking !== null) {
        of.asking ??= ask(issuer, of);
        const { asking } = of;
        await asking;
        if (of.asking === asking) of.asking = null;
      }
      if (deps.uptimeMs() >= of.goodUntil) {
        return refuse('github_keys_unreachable', `the keys of ${issuer} could not be had`);
      }
      const verify = of.keys.get(kid);
      return verify === undefined ? refuse('github_key_unknown', 'its issuer has no such key') : ok(verify);
    },
  };
}

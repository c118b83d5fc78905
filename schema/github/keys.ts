import * as v from 'valibot';
import { runtime } from '#crypto';
import { decodeBase64url } from '../jose/base64url.ts';
import type { Verify } from '../jose/crypto.ts';
import { parsePayload } from '../jose/jws.ts';
import { ok, type Result, refuse } from '../result.ts';

/** Why there is nothing to verify with. */
export type KeysFault =
  /** The issuer's keys could not be had. */
  | 'github_keys_unreachable'
  /** What it answers is no set of keys, or of none that verifies. */
  | 'github_keys_malformed';

export type KeysRefusal =
  | KeysFault
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
  // RFC 7517 sections 4.2 and 4.3: a key that says what it is for is for nothing else.
  use: v.optional(v.literal('sig')),
  key_ops: v.optional(v.pipe(v.array(v.string()), v.includes('verify'))),
});

/** The keys of a set that can verify, by `kid`: RSA of 2048 to 6144 bits. One that stands twice counts as none. */
export async function readJwks(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Result<ReadonlyMap<string, Verify>, 'github_keys_malformed'>> {
  const parsed = parsePayload(bytes, jwksSchema, maxJwksBytes);
  if (!parsed.ok) return refuse('github_keys_malformed', parsed.detail);
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
/** How long they are good while it cannot be reached. */
const goodMs = 24 * 60 * 60_000;
/** Whatever a stranger's tokens name: an issuer is asked again at most this often. */
const againMs = 60_000;

type Known = {
  keys: ReadonlyMap<string, Verify>;
  /** When it was asked last, well or badly. */
  askedAt: number;
  /** When its keys were had last. */
  hadAt: number;
  /** What came of asking last. */
  fault: Result<never, KeysFault>;
  asking: Promise<void> | null;
};

/**
 * Keys of issuers, fetched when they are needed: one fetch at a time for each, none sooner than a minute after the last
 * one ended, well or badly. Keys that were had before stay good while their issuer cannot be reached, for a day.
 * Whoever names a key that is known waits for nothing that strangers' tokens set off.
 *
 * @param load gives the bytes at an address, in `maxJwksBytes` and a few seconds; never throws
 * @param warn says what is wrong with the answer of an address: it is no refusal of a token alone
 */
export function createGithubKeys(deps: {
  load(url: string): Promise<Result<Uint8Array<ArrayBuffer>, 'github_keys_unreachable'>>;
  /** Milliseconds that only go up. */
  uptimeMs(): number;
  warn(code: KeysFault, fields: { readonly url: string; readonly reason: string }): void;
}): GithubKeys {
  const known = new Map<string, Known>();

  const ask = async (url: string, to: Known): Promise<void> => {
    const loaded = await deps.load(url);
    const read = loaded.ok ? await readJwks(loaded.value) : loaded;
    to.askedAt = deps.uptimeMs();
    to.asking = null;
    if (read.ok) {
      to.keys = read.value;
      to.hadAt = to.askedAt;
      if (read.value.size > 0) return;
    }
    const { reason, detail } = read.ok
      ? refuse('github_keys_malformed', 'it has no key that verifies')
      : read;
    to.fault = refuse(reason, `the keys of its issuer could not be had: ${detail}`);
    deps.warn(reason, { url, reason: detail ?? reason });
  };

  return {
    async find(issuer, kid) {
      const never = Number.NEGATIVE_INFINITY;
      const of = known.get(issuer) ?? {
        ...{ keys: new Map(), askedAt: never, hadAt: never, asking: null },
        fault: refuse('github_keys_unreachable'),
      };
      known.set(issuer, of);
      const isFresh = deps.uptimeMs() - of.hadAt < freshMs;
      if (!isFresh || !of.keys.has(kid)) {
        const mayAsk = deps.uptimeMs() - of.askedAt >= againMs;
        if (mayAsk) of.asking ??= ask(jwksUrl(issuer), of);
        await of.asking;
      }
      if (deps.uptimeMs() - of.hadAt >= goodMs) return of.fault;
      const verify = of.keys.get(kid);
      return verify === undefined ? refuse('github_key_unknown', 'its issuer has no such key') : ok(verify);
    },
  };
}

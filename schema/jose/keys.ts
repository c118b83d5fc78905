import * as v from 'valibot';
import { runtime } from '#crypto';
import { ok, type Result, refuse } from '../result.ts';
import { bytes32Pattern, decodeBase64url, encodeBase64url } from './base64url.ts';
import type { Sign, Verify } from './crypto.ts';
import { toBytes } from './digest.ts';

/** A public Ed25519 key as a JWK (RFC 8037) with exactly these members. */
export const publicJwkSchema = v.strictObject({
  kty: v.literal('OKP'),
  crv: v.literal('Ed25519'),
  x: v.pipe(v.string(), v.regex(bytes32Pattern)),
});
export type PublicJwk = v.InferOutput<typeof publicJwkSchema>;

/** A private Ed25519 key as a JWK; only ever in a file of mode 0600, a binding or an encrypted root file. */
export const secretJwkSchema = v.strictObject({
  ...publicJwkSchema.entries,
  d: v.pipe(v.string(), v.regex(bytes32Pattern)),
});
export type SecretJwk = v.InferOutput<typeof secretJwkSchema>;

/** A public key that passed `acceptKey`. `kid` is its RFC 7638 thumbprint. */
export type AcceptedKey = { readonly kid: string; readonly jwk: PublicJwk; readonly verify: Verify };

/** A key that can sign. */
export type SigningKey = { readonly kid: string; readonly jwk: PublicJwk; readonly sign: Sign };

export type KeyRefusal = 'key_malformed' | 'key_weak';

/**
 * Accepts a public key into trust, enrolment or a principal: canonical encoding (RFC 8032 section 5.1.3),
 * on the curve, and not of small order, because with such a key one signature verifies for any message.
 */
export async function acceptKey(jwk: unknown): Promise<Result<AcceptedKey, KeyRefusal>> {
  const parsed = v.safeParse(publicJwkSchema, jwk);
  if (!parsed.success) return refuse('key_malformed', 'not an Ed25519 public JWK of kty, crv and x');
  const { kty, crv, x } = parsed.output;
  // 32 bytes: the schema takes no other text.
  const bytes = runtime.fromBase64url(x);
  const point = checkPoint(bytes);
  if (!point.ok) return point;
  const canonical: PublicJwk = { kty, crv, x };
  const verify = await runtime.verifierOf(bytes);
  return ok({ kid: await thumbprint(canonical), jwk: canonical, verify });
}

/** The RFC 7638 thumbprint: base64url of SHA-256 over the required members in order. */
export async function thumbprint(jwk: PublicJwk): Promise<string> {
  const bytes = toBytes(JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x }));
  return encodeBase64url(await runtime.sha256(bytes));
}

/**
 * A thumbprint as people compare it: the first 80 bits in groups of four Crockford characters, enough that
 * nobody finds a second key with the same text within a code's lifetime.
 */
export function fingerprint(kid: string): string {
  const bytes = decodeBase64url(kid);
  if (!bytes.ok || bytes.value.length !== 32) return 'invalid';
  let bits = 0n;
  for (const byte of bytes.value.subarray(0, 10)) bits = (bits << 8n) | BigInt(byte);
  const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  let out = '';
  for (let i = 15; i >= 0; i -= 1) out += digits[Number((bits >> BigInt(i * 5)) & 31n)];
  return out.match(/.{4}/g)!.join('-');
}

/** Makes a new Ed25519 key. The secret JWK is the caller's to store. */
export async function generateKey(): Promise<{ signing: SigningKey; secret: SecretJwk }> {
  const secret: SecretJwk = { kty: 'OKP', crv: 'Ed25519', ...(await runtime.generate()) };
  const signing = await importSigningKey(secret);
  // No runtime makes a weak one; where Ed25519 is broken, another try would be broken as well.
  if (!signing.ok) throw new Error(`the new key is not a good one: ${signing.reason}`);
  return { signing: signing.value, secret };
}

/** Reads a stored secret JWK. The key's two halves must belong together. */
export async function importSigningKey(secret: unknown): Promise<Result<SigningKey, KeyRefusal>> {
  const parsed = v.safeParse(secretJwkSchema, secret);
  if (!parsed.success) return refuse('key_malformed', 'not an Ed25519 secret JWK of kty, crv, x and d');
  const { d, ...jwk } = parsed.output;
  const accepted = await acceptKey(jwk);
  if (!accepted.ok) return accepted;
  const { kid, jwk: canonical, verify } = accepted.value;
  try {
    const sign = await runtime.signerOf({ x: jwk.x, d });
    const probe = toBytes('writ/1/key-check');
    if (await verify(probe, await sign(probe))) return ok({ kid, jwk: canonical, sign });
  } catch {
    // What is no key at all is refused like what is no pair.
  }
  return refuse('key_malformed', 'd and x are not of one key');
}

const p = 2n ** 255n - 19n;
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/** y of the points whose order divides 8: (0,1), (0,-1), (±i,0) and the four of order 8. */
const smallOrderY = new Set([
  0n,
  1n,
  p - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  55188659117513257062467267217118295137698188065244968500265048394206261417927n,
]);

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % p;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % p;
    square = (square * square) % p;
  }
  return result;
}

function checkPoint(bytes: Uint8Array): Result<true, KeyRefusal> {
  let y = 0n;
  for (let i = 31; i >= 0; i -= 1) y = (y << 8n) | BigInt(i === 31 ? bytes[i]! & 0x7f : bytes[i]!);
  if (y >= p) return refuse('key_weak', 'the point is not encoded canonically');
  if (smallOrderY.has(y)) return refuse('key_weak', 'the point is of small order');
  const ySquared = (y * y) % p;
  const u = (ySquared - 1n + p) % p;
  const w = (d * ySquared + 1n) % p;
  // RFC 8032 section 5.1.3 step 2: this, or this times the root of -1, is the root of u/w, or there is none.
  const x = (u * power(w, 3n) * power(u * power(w, 7n), (p - 5n) / 8n)) % p;
  const check = (w * x * x) % p;
  if (check !== u && check !== (p - u) % p) return refuse('key_weak', 'the point is not on the curve');
  // The sign is free: x is 0, whose sign must not be set, for 1 and -1 alone, which are of small order.
  return ok(true);
}

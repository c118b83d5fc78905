import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import * as v from 'valibot';
import { decodeBase64url, encodeBase64url } from '../../schema/jose/base64url.ts';
import { parsePayload } from '../../schema/jose/jws.ts';
import { type SecretJwk, secretJwkSchema } from '../../schema/jose/keys.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';

/** RFC 7914 parameters: 128 MiB and about half a second on a desk computer. */
const cost = { N: 2 ** 17, r: 8, p: 1 } as const;
const maxMemoryBytes = 512 * 1024 * 1024;

const base64url = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]+$/), v.maxLength(1024));

/** A text sealed by a passphrase. */
export const boxSchema = v.strictObject({
  v: v.literal(1),
  sealed: v.literal('scrypt+aes-256-gcm'),
  N: v.pipe(v.number(), v.safeInteger(), v.minValue(2 ** 14), v.maxValue(2 ** 20)),
  r: v.literal(8),
  p: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(4)),
  salt: base64url,
  nonce: base64url,
  /** AES-256-GCM, the 16 bytes of the tag last. */
  box: base64url,
});
export type Box = v.InferOutput<typeof boxSchema>;

/** What a box is for: one never passes for another. */
type Purpose = 'root' | 'ca';

/** The desk root as its file holds it, the JSON of its secret JWK: sealed by a passphrase, or in a trial as it is. */
export const rootFileSchema = v.variant('sealed', [
  boxSchema,
  v.strictObject({ v: v.literal(1), sealed: v.literal('trial'), secret: secretJwkSchema }),
]);
export type RootFile = v.InferOutput<typeof rootFileSchema>;

/** Seals a root's secret key under a passphrase. */
export const sealRoot = (secret: SecretJwk, passphrase: string): Promise<RootFile> =>
  sealText(JSON.stringify(secret), passphrase, 'root');

/** Seals a short text under a passphrase. */
export async function sealText(text: string, passphrase: string, purpose: Purpose): Promise<Box> {
  const salt = randomBytes(16);
  const nonce = randomBytes(12);
  const key = await derive(passphrase, salt, cost);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(`writ/1/${purpose}`));
  const box = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return {
    v: 1,
    sealed: 'scrypt+aes-256-gcm',
    ...cost,
    salt: encodeBase64url(salt),
    nonce: encodeBase64url(nonce),
    box: encodeBase64url(box),
  };
}

/** Opens a sealed root. Refuses without telling whether the passphrase or the file is wrong: it cannot know. */
export async function openRoot(
  file: RootFile,
  passphrase: string,
): Promise<Result<SecretJwk, 'passphrase_wrong'>> {
  if (file.sealed === 'trial') return ok(file.secret);
  const text = await openText(file, passphrase, 'root');
  if (!text.ok) return text;
  const secret = parsePayload(text.value, secretJwkSchema, 1024);
  return secret.ok ? secret : wrong;
}

const wrong = refuse('passphrase_wrong', 'The passphrase does not open the root key.');

/** Opens what was sealed, as its bytes. */
export async function openText(
  file: Box,
  passphrase: string,
  purpose: Purpose,
): Promise<Result<Uint8Array, 'passphrase_wrong'>> {
  const [salt, nonce, box] = [file.salt, file.nonce, file.box].map(decodeBase64url) as [
    ReturnType<typeof decodeBase64url>,
    ReturnType<typeof decodeBase64url>,
    ReturnType<typeof decodeBase64url>,
  ];
  if (!salt.ok || !nonce.ok || !box.ok || nonce.value.length !== 12 || box.value.length < 17) return wrong;
  const decipher = createDecipheriv('aes-256-gcm', await derive(passphrase, salt.value, file), nonce.value);
  decipher.setAAD(Buffer.from(`writ/1/${purpose}`));
  decipher.setAuthTag(box.value.subarray(-16));
  try {
    return ok(Buffer.concat([decipher.update(box.value.subarray(0, -16)), decipher.final()]));
  } catch {
    return wrong;
  }
}

const derive = (
  passphrase: string,
  salt: Uint8Array,
  { N, r, p }: { N: number; r: number; p: number },
): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    // One text for one passphrase, whatever keyboard typed it.
    scrypt(passphrase.normalize('NFKC'), salt, 32, { N, r, p, maxmem: maxMemoryBytes }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });

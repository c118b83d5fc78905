import * as v from 'valibot';
import { decodeBase64url, encodeBase64url } from '../../schema/jose/base64url.ts';
import { digestSchema } from '../../schema/jose/digest.ts';
import { parsePayload } from '../../schema/jose/jws.ts';
import { type PublicJwk, publicJwkSchema } from '../../schema/jose/keys.ts';
import { type Result, refuse } from '../../schema/result.ts';
import { originSchema } from '../../schema/trust/document.ts';
import { homeIdSchema } from '../../schema/wire/ids.ts';

const keyPrefix = 'writ-key.';
const deskPrefix = 'writ-desk.';

/** A public key as one computer prints it for another: `writ-key.` and its 32 bytes. Nothing in it is secret. */
export const formatKey = ({ x }: PublicJwk): string => keyPrefix + x;

/** The key of such a text, or of a JWK as JSON. */
export function parseKey(text: string): Result<unknown, 'key_malformed'> {
  const line = text.trim();
  if (line.startsWith(keyPrefix)) {
    return { ok: true, value: { kty: 'OKP', crv: 'Ed25519', x: line.slice(keyPrefix.length) } };
  }
  const bytes = new TextEncoder().encode(line);
  const parsed = parsePayload(
    bytes,
    v.looseObject({ ...publicJwkSchema.entries, d: v.optional(v.string()) }),
    4096,
  );
  if (!parsed.ok) return refuse('key_malformed', `it is neither ${keyPrefix}… nor an Ed25519 public JWK`);
  if (parsed.value.d !== undefined) {
    return refuse('key_malformed', 'it is a private key: whoever has seen it can sign. Make another');
  }
  const { kty, crv, x } = parsed.value;
  return { ok: true, value: { kty, crv, x } };
}

const deskCodeSchema = v.strictObject({
  home: homeIdSchema,
  origin: originSchema.entries.url,
  spki: v.nullable(digestSchema),
  /** The version of trust that names the other computer's key: by it everything else is verified there. */
  trust: digestSchema,
});
/** What another computer must know of a home to find it again and to believe nobody else. Nothing in it is secret. */
export type DeskCode = v.InferOutput<typeof deskCodeSchema>;

export const formatDeskCode = (code: DeskCode): string => deskPrefix + encodeBase64url(JSON.stringify(code));

export function parseDeskCode(text: string): Result<DeskCode, 'code_malformed'> {
  const line = text.trim();
  if (!line.startsWith(deskPrefix)) return refuse('code_malformed', `it starts with ${deskPrefix}`);
  const bytes = decodeBase64url(line.slice(deskPrefix.length));
  const parsed = bytes.ok ? parsePayload(bytes.value, deskCodeSchema, 4096) : bytes;
  return parsed.ok ? parsed : refuse('code_malformed', 'it was not copied whole');
}

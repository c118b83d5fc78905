import * as v from 'valibot';
import { bytes32Pattern, decodeBase64url, encodeBase64url } from '../jose/base64url.ts';
import { digestSchema } from '../jose/digest.ts';
import { parsePayload } from '../jose/jws.ts';
import { publicJwkSchema } from '../jose/keys.ts';
import { houseFileSchema } from '../manifest/house.ts';
import { type Result, refuse } from '../result.ts';
import { originSchema } from '../trust/document.ts';
import { countSchema, homeIdSchema, nameSchema, timeSchema, tokenIdSchema } from '../wire/ids.ts';
import { maxTokenBytes, maxTrustUploadVersions } from '../wire/limits.ts';
import { trustJwsSchema } from '../wire/relay-api.ts';
import { scopeSchema } from '../wire/token.ts';

const scopesSchema = v.pipe(v.array(scopeSchema), v.minLength(1), v.maxLength(100));

/** POST /v1/tokens */
export const tokenRequestSchema = v.strictObject({
  name: nameSchema,
  scope: scopesSchema,
  /** How many days it lives. */
  days: v.optional(v.pipe(countSchema, v.minValue(1), v.maxValue(730)), 365),
});
export const tokenViewSchema = v.strictObject({
  id: tokenIdSchema,
  name: nameSchema,
  scope: scopesSchema,
  created_at: timeSchema,
  expires_at: timeSchema,
  revoked_at: v.nullable(timeSchema),
  last_used_at: v.nullable(timeSchema),
});
export type TokenView = v.InferOutput<typeof tokenViewSchema>;
export const tokenListSchema = v.strictObject({ tokens: v.array(tokenViewSchema) });
/**
 * The token itself is in this answer alone: the database knows its id only. A compact JWS and nothing beside it,
 * because its owner pastes it into a shell.
 */
export const tokenCreatedSchema = v.strictObject({
  ...tokenViewSchema.entries,
  token: v.pipe(
    v.string(),
    v.maxLength(maxTokenBytes),
    v.regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}$/, 'must be a compact JWS'),
  ),
});

/** POST /v1/trust: the next versions, oldest first; those that are in force already are passed over. */
export const trustUploadSchema = v.strictObject({
  versions: v.pipe(v.array(trustJwsSchema), v.minLength(1), v.maxLength(maxTrustUploadVersions)),
});
export const trustAcceptedSchema = v.strictObject({ version: countSchema, digest: digestSchema });

/** What `writ serve` prints once, while no owner has claimed it. */
export const setupCodeSchema = v.strictObject({
  origin: originSchema.entries.url,
  spki: v.nullable(digestSchema),
  controller: publicJwkSchema,
  secret: v.pipe(v.string(), v.regex(bytes32Pattern)),
});
export type SetupCode = v.InferOutput<typeof setupCodeSchema>;
const setupPrefix = 'writ-setup.';
export const formatSetupCode = (code: SetupCode): string =>
  setupPrefix + encodeBase64url(JSON.stringify(code));
export function parseSetupCode(text: string): Result<SetupCode, 'code_malformed'> {
  const line = text.trim();
  if (!line.startsWith(setupPrefix)) {
    return refuse('code_malformed', `a setup code starts with ${setupPrefix}`);
  }
  const bytes = decodeBase64url(line.slice(setupPrefix.length));
  const parsed = bytes.ok ? parsePayload(bytes.value, setupCodeSchema, 4096) : bytes;
  return parsed.ok ? parsed : refuse('code_malformed', 'the setup code was not copied whole');
}

/**
 * POST /v1/setup: claims an unclaimed instance for an owner. `mac` is HMAC-SHA-256(secret, trust digest). With `before`,
 * the versions before `trust` as far as they are known, the home had another control plane until now.
 */
export const setupRequestSchema = v.strictObject({
  trust: trustJwsSchema,
  before: v.optional(v.pipe(v.array(trustJwsSchema), v.maxLength(maxTrustUploadVersions))),
  house: houseFileSchema,
  mac: v.pipe(v.string(), v.regex(bytes32Pattern)),
});
export const setupAnswerSchema = v.strictObject({ home: homeIdSchema, version: countSchema });

/** PUT /v1/house: runbooks and titles; facts that decide on relays are in trust. */
export const houseUploadSchema = houseFileSchema;

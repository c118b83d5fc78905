import * as v from 'valibot';
import { digestSchema } from '../jose/digest.ts';
import { publicJwkSchema } from '../jose/keys.ts';
import { ageRecipientSchema } from '../wire/age-recipient.ts';
import { actionTypeSchema, countSchema, homeIdSchema, nameSchema, targetNameSchema } from '../wire/ids.ts';
import { recordOf } from '../wire/record.ts';
import { pathPatternSchema } from './path-pattern.ts';

const dateTimeSchema = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'must be a UTC time such as 2027-05-22T00:00:00Z'),
  v.check(exists, 'must be a time that exists'),
);

/** Date.parse takes the 30th of February for the 2nd of March. */
function exists(text: string): boolean {
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text.replace('Z', '.000Z');
}

/** An address that is fetched from or posted to, without a name or password in it. */
export const webUrlSchema = v.pipe(
  v.string(),
  v.url(),
  v.maxLength(500),
  v.regex(
    /^https:\/\/|^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)[:/]/,
    'must be https (http on loopback only)',
  ),
  // With one, what looks like a loopback address may be the name: http://localhost:80@example.net
  v.check((text) => !hasUser(text), 'must not hold a user or password'),
);

function hasUser(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username !== '' || password !== '';
}

/** An IPv4 address, with a port from 1 where it is not the usual one. */
function isAddress(text: string): boolean {
  const [address, port] = text.split(':') as [string, string | undefined];
  const portFits = port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
  return portFits && address.split('.').every((part) => Number(part) <= 255);
}

const macSchema = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, 'must be a MAC in lower case'),
);

/** `6/1h`: at most so many started steps in any window of that length. */
export const limitSchema = v.pipe(
  v.string(),
  v.regex(/^[1-9][0-9]{0,4}\/[1-9][0-9]{0,3}[mhd]$/, 'must be such as 6/1h'),
);

/** The count and window in ms of a limit. */
export function readLimit(limit: string): { count: number; windowMs: number } {
  const [count, window] = limit.split('/') as [string, string];
  const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 }[window.at(-1) as 'm' | 'h' | 'd'];
  return { count: Number(count), windowMs: Number(window.slice(0, -1)) * unitMs };
}

export const trustHostSchema = v.strictObject({
  /** How to call it in a sentence: "the tower". */
  title: v.optional(v.pipe(v.string(), v.maxLength(60))),
  proxmox: v.boolean(),
  mac: v.optional(macSchema),
  /** The relay, on the same segment, that sends its magic packet. */
  wake_via: v.optional(nameSchema),
  /** Where the packet goes: a broadcast address, with :port where it is not 9. */
  wake_address: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,3}(\.\d{1,3}){3}(:\d{1,5})?$/, 'must be an IPv4 address, with :port'),
      v.check(isAddress, 'must be an IPv4 address, with :port'),
    ),
  ),
  sleeps: v.boolean(),
});
export type TrustHost = v.InferOutput<typeof trustHostSchema>;

export const trustGuestSchema = v.strictObject({
  title: v.optional(v.pipe(v.string(), v.maxLength(60))),
  host: nameSchema,
  kind: v.picklist(['qemu', 'lxc']),
  vmid: v.pipe(countSchema, v.minValue(100)),
  /** SMBIOS UUID, or root file system volume of a container, as pinned at adoption; absent: not adopted yet. */
  identity: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(128))),
  exclusive: v.pipe(v.array(nameSchema), v.maxLength(16)),
  /** Shut down in ascending order. */
  order: v.pipe(countSchema, v.maxValue(10_000)),
  /** `sessions`: in use while the agent names a logged-in user, or does not answer. */
  in_use: v.picklist(['sessions', 'never']),
  /** Whether a QEMU agent is expected to answer once it runs. */
  agent: v.boolean(),
});
export type TrustGuest = v.InferOutput<typeof trustGuestSchema>;

export const houseSchema = v.strictObject({
  hosts: recordOf(nameSchema, trustHostSchema),
  guests: recordOf(nameSchema, trustGuestSchema),
});
/** The facts about the house that decide anything on a relay. */
export type House = v.InferOutput<typeof houseSchema>;

export const grantSchema = v.strictObject({
  action: actionTypeSchema,
  /** Hosts and guests by name; commands of apps by their full names. */
  on: v.pipe(v.array(targetNameSchema), v.minLength(1), v.maxLength(256)),
  limit: v.optional(limitSchema),
  /** What a release may touch on its targets. Without any it may touch nothing; to other actions they mean nothing. */
  paths: v.optional(v.pipe(v.array(pathPatternSchema), v.maxLength(256))),
});
export type TrustGrant = v.InferOutput<typeof grantSchema>;

const keyIdentitySchema = v.strictObject({
  kind: v.literal('key'),
  jwk: publicJwkSchema,
  may: v.pipe(v.array(grantSchema), v.maxLength(256)),
});

const relayIdentitySchema = v.strictObject({
  kind: v.literal('relay'),
  jwk: publicJwkSchema,
});

export const identitySchema = v.variant('kind', [keyIdentitySchema, relayIdentitySchema]);
export type Identity = v.InferOutput<typeof identitySchema>;

const rootSchema = v.strictObject({ kid: nameSchema, jwk: publicJwkSchema });

/** The identity whose key signs jobs, heartbeats and phone tokens, and plans within its own grants. */
export const controllerName = 'controller';
/** The identity whose key signs the CLI's requests and the owner's intents. */
export const operatorName = 'operator';

export const originSchema = v.strictObject({
  url: v.pipe(
    webUrlSchema,
    v.regex(/^[a-z]+:\/\/(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/, 'must be scheme, host and port alone'),
  ),
  /** Pin of the certificate's public key; absent: the system's certificate authorities decide. */
  spki: v.optional(digestSchema),
});
export type Origin = v.InferOutput<typeof originSchema>;

export const trustDocumentSchema = v.strictObject({
  v: v.literal(1),
  home: homeIdSchema,
  version: v.pipe(countSchema, v.minValue(1)),
  /** digestOf('trust') of the version before; null for the first alone. */
  previous: v.nullable(digestSchema),
  expires: dateTimeSchema,
  roots: v.pipe(v.array(rootSchema), v.minLength(1), v.maxLength(8)),
  threshold: v.pipe(countSchema, v.minValue(1), v.maxValue(8)),
  origins: v.pipe(v.array(originSchema), v.minLength(1), v.maxLength(8)),
  mirror: v.nullable(webUrlSchema),
  alarm: v.nullable(
    v.union([v.strictObject({ ntfy: webUrlSchema }), v.strictObject({ webhook: webUrlSchema })]),
  ),
  /** Who may read excerpts of logs and contents of files: nothing of the kind leaves a relay but encrypted to these. */
  recipients: v.optional(v.pipe(v.array(ageRecipientSchema), v.minLength(1), v.maxLength(8))),
  house: houseSchema,
  identities: recordOf(nameSchema, identitySchema),
});
/** The root-signed statement of who may order what. Every relay keeps its own copy and obeys nothing else. */
export type TrustDocument = v.InferOutput<typeof trustDocumentSchema>;

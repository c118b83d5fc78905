import * as v from 'valibot';
import { githubPins } from '../github/pins.ts';
import { digestSchema } from '../jose/digest.ts';
import { publicJwkSchema } from '../jose/keys.ts';
import { ageRecipientSchema } from '../wire/age-recipient.ts';
import { countSchema, homeIdSchema, nameSchema } from '../wire/ids.ts';
import { recordOf } from '../wire/record.ts';
import { grantSchema } from './grant.ts';
import { webUrlSchema } from './web-url.ts';

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

const maySchema = v.pipe(v.array(grantSchema), v.maxLength(256));

const keyIdentitySchema = v.strictObject({ kind: v.literal('key'), jwk: publicJwkSchema, may: maySchema });

const relayIdentitySchema = v.strictObject({
  kind: v.literal('relay'),
  jwk: publicJwkSchema,
  /** `time`: a notary, which says when it saw a token, and nothing else. */
  attests: v.optional(v.strictTuple([v.literal('time')])),
});

/** A workflow of GitHub Actions, by what its ID tokens say of themselves. */
const githubIdentitySchema = v.strictObject({ kind: v.literal('github'), ...githubPins, may: maySchema });

/** What relays do by themselves, without a caller; named `standing`. */
const standingIdentitySchema = v.strictObject({ kind: v.literal('standing'), may: maySchema });

export const identitySchema = v.variant('kind', [
  keyIdentitySchema,
  relayIdentitySchema,
  githubIdentitySchema,
  standingIdentitySchema,
]);
export type Identity = v.InferOutput<typeof identitySchema>;

const rootSchema = v.strictObject({ kid: nameSchema, jwk: publicJwkSchema });

/** The identity whose key signs jobs, heartbeats and phone tokens, and plans within its own grants. */
export const controllerName = 'controller';
/** The identity of what runs without a caller: it has no key, and each relay acts in its name for itself alone. */
export const standingName = 'standing';
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

import * as v from 'valibot';
import { nameSchema } from '../wire/ids.ts';
import { recordOf } from '../wire/record.ts';
import { deviceSchema } from './device.ts';
import { guestSchema, type HouseFile, hostSchema, houseFileSchema } from './house.ts';
import { updateSchema } from './native.ts';
import { notificationsSchema } from './notifications.ts';
import { powerMembers } from './power.ts';
import { runbookFormSchema } from './runbook.ts';
import { storageMembers } from './storage.ts';
import {
  addressSchema,
  domainSchema,
  hostNameSchema,
  oneOrMany,
  oneOrSome,
  portSchema,
  subnetSchema,
  titleSchema,
} from './values.ts';

const siteSchema = v.strictObject({
  title: v.optional(titleSchema),
  /** What short names of routes stand under. */
  domain: domainSchema,
  /** An IANA time zone, for what the home's machines show and schedule. */
  timezone: v.optional(
    v.pipe(v.string(), v.regex(/^[A-Za-z_]+(\/[A-Za-z0-9_+-]+){0,2}$/, 'must be such as Europe/Berlin')),
    'UTC',
  ),
  email: v.optional(v.pipe(v.string(), v.email())),
});

const networkSchema = v.strictObject({
  title: v.optional(titleSchema),
  subnet: subnetSchema,
  vlan: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(4094))),
  gateway: v.optional(addressSchema),
});

/** What a machine of the home has, host or guest, to carry apps. */
const machine = {
  network: v.optional(nameSchema),
  address: v.optional(addressSchema),
  /** Its address on the tailnet. */
  tailnet: v.optional(addressSchema),
  /** The version of Podman there: which keys a unit may use. */
  podman: v.optional(v.pipe(v.string(), v.regex(/^[0-9]+\.[0-9]+(\.[0-9]+)?$/, 'must be such as "5.4"'))),
  /** The network of containers that the machine owns. */
  containers: v.optional(
    v.strictObject({
      network: v.pipe(v.string(), v.regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/)),
      subnet: v.optional(subnetSchema),
      /** One network a declared flow, so that an app reaches only what it `uses`. */
      isolate: v.optional(v.boolean(), false),
    }),
  ),
};

const homelabHostSchema = v.strictObject({
  ...hostSchema.entries,
  ...machine,
  /** Its address on the internet, where it has one. */
  public_address: v.optional(addressSchema),
});

const homelabGuestSchema = v.strictObject({ ...guestSchema.entries, ...machine });

/** Somebody who signs in. Passwords are not said here: people set their own. */
const personSchema = v.strictObject({
  /** The name as others see it; absent: as here. */
  title: v.optional(titleSchema),
  email: v.pipe(v.string(), v.email()),
  groups: v.optional(oneOrMany(nameSchema), []),
});

/** Who may pass a route. */
const accessSchema = v.strictObject({
  title: v.optional(titleSchema),
  /** Groups of the directory, one of which a person must be in; none: whoever is signed in. */
  groups: v.optional(oneOrSome(nameSchema)),
  policy: v.optional(v.picklist(['one_factor', 'two_factor', 'bypass', 'deny']), 'two_factor'),
  /** Networks from which the rule holds; absent: from everywhere. */
  from: v.optional(oneOrSome(v.union([nameSchema, addressSchema, subnetSchema]))),
});

/** How names get from outside to the proxies of the machines. */
const ingressSchema = v.strictObject({
  /** Where each proxy listens for people at home. The public machine must not reach it. */
  home: v.optional(portSchema, 443),
  /** Where each proxy takes what the public machine passes on. Only public routes are there. */
  public: v.optional(portSchema, 8443),
  /** Where each proxy sends plain HTTP to HTTPS. */
  http: v.optional(portSchema, 80),
  /**
   * From where the public machine's connections come, for PROXY headers: addresses, subnets, or machines. Absent: the
   * machines that carry HAProxy. They authorise nothing.
   */
  from: v.optional(oneOrMany(v.union([nameSchema, addressSchema, subnetSchema]))),
});

const generatorSettingsSchema = v.strictObject({
  /** `false` turns it off. */
  on: v.optional(v.boolean(), true),
  /** The version of the program that reads its output. */
  version: v.optional(v.pipe(v.string(), v.regex(/^[0-9]+(\.[0-9]+){0,2}$/, 'must be such as "3.5"'))),
  options: v.optional(recordOf(v.string(), v.unknown()), {}),
});

/** A DNS name that no route brings: of a device, an alias. */
const dnsNameSchema = v.union(
  [
    v.strictObject({ address: addressSchema, public: v.optional(v.boolean(), false) }),
    v.strictObject({ to: nameSchema, public: v.optional(v.boolean(), false) }),
  ],
  'must be { address: … }, or { to: a host, guest or device }',
);

export const homelabSchema = v.strictObject({
  ...houseFileSchema.entries,
  site: v.optional(siteSchema),
  networks: v.optional(recordOf(nameSchema, networkSchema), {}),
  hosts: recordOf(nameSchema, homelabHostSchema),
  guests: v.optional(recordOf(nameSchema, homelabGuestSchema), {}),
  devices: v.optional(recordOf(nameSchema, deviceSchema), {}),
  runbooks: v.optional(recordOf(nameSchema, runbookFormSchema), {}),
  people: v.optional(recordOf(nameSchema, personSchema), {}),
  access: v.optional(recordOf(nameSchema, accessSchema), {}),
  ingress: v.optional(ingressSchema, {}),
  /** DNS names beside those of routes. */
  names: v.optional(recordOf(hostNameSchema, dnsNameSchema), {}),
  /** What of a generator is to be otherwise. */
  generators: v.optional(recordOf(nameSchema, generatorSettingsSchema), {}),
  /** What may become of images while their names stay, where an app does not say it. */
  update: v.optional(updateSchema),
  ...powerMembers,
  ...storageMembers,
  notifications: v.optional(notificationsSchema, {}),
});
/** homelab.yaml, with defaults filled in. A house file is one that says less. */
export type Homelab = v.InferOutput<typeof homelabSchema>;

/** What of homelab.yaml the control plane and trust are told. Its runbooks must say nothing that `notRunYet` finds. */
export function houseFileOf(homelab: Homelab): HouseFile {
  return v.parse(houseFileSchema, {
    ...pick(homelab, Object.keys(houseFileSchema.entries)),
    hosts: each(homelab.hosts, (host) => pick(host, Object.keys(hostSchema.entries))),
    guests: each(homelab.guests, (guest) => pick(guest, Object.keys(guestSchema.entries))),
  });
}

const each = <T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));

const pick = (value: object, keys: readonly string[]): object =>
  Object.fromEntries(Object.entries(value).filter(([key]) => keys.includes(key)));

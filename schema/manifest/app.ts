import * as v from 'valibot';
import { nameSchema } from '../wire/ids.ts';
import { recordOf } from '../wire/record.ts';
import { commandTimeoutSchema, commandWordsSchema } from './app-commands.ts';
import { aptSchema, artifactSchema, buildSchema, packageSchema, updateSchema, userSchema } from './native.ts';
import { routeSchema } from './route.ts';
import { secretsSchema, useSchema } from './uses.ts';
import {
  absolutePathSchema,
  addressSchema,
  domainSchema,
  durationSchema,
  machinePlaceSchema,
  modeSchema,
  onChangeSchema,
  oneOrMany,
  ownerSchema,
  placeSchema,
  portSchema,
  secretNameSchema,
  subnetSchema,
  titleSchema,
  unitNameSchema,
} from './values.ts';

/** A file of the app's folder, its name or a pattern for several: `grafana.ini.j2`, `rules/*.yml`, `dir/`. */
const fromSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(255));

/**
 * Podman's or systemd's unit file in the app's folder, perhaps a template of Writ (`.j2`). A folder before its name is
 * one of /etc/containers/systemd, too.
 */
export const unitFileSchema = v.pipe(
  v.string(),
  v.maxLength(255),
  v.regex(
    /^([A-Za-z0-9_*?][A-Za-z0-9_.*?-]*\/)*[A-Za-z0-9:_.@*?\\-]+\.(container|volume|network|pod|kube|image|build|service|socket|timer|path|mount|automount|swap|target)(\.d\/[A-Za-z0-9_.*?-]+\.conf)?(\.j2)?$/,
    'must be a unit file such as grafana.container, or grafana.container.d/10-more.conf',
  ),
);

/** A unit file by its name, or with attributes: one that holds a password is nobody else's to read. */
const unitSchema = v.union(
  [
    unitFileSchema,
    v.strictObject({
      unit: unitFileSchema,
      mode: v.optional(modeSchema, '0644'),
      owner: v.optional(ownerSchema, 'root:root'),
    }),
  ],
  'must be a unit file such as grafana.container, or { unit: …, mode: … }',
);
export type UnitEntry = v.InferOutput<typeof unitSchema>;

export const valuesSchema = recordOf(
  v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/)),
  v.unknown(),
);

export const fileSchema = v.strictObject({
  /** In the app's folder: a file, a pattern, or a folder that ends in a slash. Files ending `.j2` are rendered. */
  from: v.optional(fromSchema),
  /** A generator's output in place of a file: `traefik/dynamic`. */
  generate: v.optional(
    v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*\/[a-z][a-z0-9-]*$/, 'must be generator/output')),
  ),
  /** What the generator is told for this place, member by member over what homelab.yaml tells it; `null` takes one away. */
  options: v.optional(valuesSchema),
  /** Where it goes; a folder, ending in a slash, for several. `volume:NAME/` is the volume of NAME.volume. */
  to: placeSchema,
  /** Taken as it is: no template though its name ends in `.j2`, and what looks like a secret's placeholder is none. */
  raw: v.optional(v.boolean(), false),
  mode: v.optional(modeSchema, '0644'),
  owner: v.optional(ownerSchema, 'root:root'),
  /** Removes what else is in the folder. */
  prune: v.optional(v.boolean(), false),
  on_change: v.optional(onChangeSchema, 'restart'),
  /** `seed`: written once where it is missing, then the app's own. */
  manage: v.optional(v.picklist(['exact', 'seed']), 'exact'),
});
export type FileEntry = v.InferOutput<typeof fileSchema>;

export const dirSchema = v.strictObject({
  path: absolutePathSchema,
  mode: v.optional(modeSchema, '0755'),
  owner: v.optional(ownerSchema, 'root:root'),
});

const placementSchema = v.strictObject({
  guest: nameSchema,
  /** Over the app's own values, here alone. */
  vars: v.optional(valuesSchema, {}),
  /** More units and files, here alone. */
  units: v.optional(v.array(unitSchema), []),
  files: v.optional(v.array(fileSchema), []),
  /** More of what is fetched, here alone: the machine's own architecture. */
  artifacts: v.optional(v.array(artifactSchema), []),
  /** In place of the app's own routes. */
  route: v.optional(routeSchema),
  routes: v.optional(v.array(routeSchema)),
});

const healthSchema = v.strictObject({
  /** Asked over HTTP, at the first route's port or `port`. */
  path: v.optional(v.pipe(v.string(), v.regex(/^\/[!-~]*$/, 'must start with /, and have no spaces'))),
  port: v.optional(portSchema),
  scheme: v.optional(v.picklist(['http', 'https', 'tcp']), 'http'),
  status: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(100), v.maxValue(599)), 200),
  within: v.optional(durationSchema, '60s'),
});

/** Where the app tells its metrics in Prometheus' format. */
const metricsSchema = v.strictObject({
  /** What tells it from the app's other metrics; needed from the second on. */
  name: v.optional(nameSchema),
  port: portSchema,
  path: v.optional(
    v.pipe(v.string(), v.regex(/^\/[!-~]*$/, 'must start with /, and have no spaces')),
    '/metrics',
  ),
  scheme: v.optional(v.picklist(['http', 'https']), 'http'),
  /** The container that answers, where the app has several. */
  container: v.optional(v.pipe(v.string(), v.regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/))),
  /** How often it is asked; absent: as often as the others. */
  every: v.optional(durationSchema),
  /** The secret with the bearer token that it asks for. */
  token: v.optional(secretNameSchema),
  /** Whether labels that it gives itself stay where they are named as those of the place: `machine`, `host`, `app`. */
  honor_labels: v.optional(v.boolean(), false),
});

/** What a landing page says of the app. */
const pageSchema = v.strictObject({
  /** `false`: it is not there. */
  show: v.optional(v.boolean(), true),
  /** Under which heading; absent: the machine's title. */
  group: v.optional(titleSchema),
  /** As the page's program names icons: `grafana.png`, `mdi-home`. */
  icon: v.optional(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/, 'must be such as grafana.png')),
  ),
  /** One line. */
  about: v.optional(titleSchema),
});

const portEntrySchema = v.strictObject({
  port: portSchema,
  proto: v.optional(v.picklist(['tcp', 'udp']), 'tcp'),
  /** Networks, hosts, guests, addresses or subnets that may speak to it; absent: everyone. */
  from: v.optional(oneOrMany(v.union([nameSchema, addressSchema, subnetSchema]))),
});

/** A certificate of the private CA, which is renewed on the target. */
const certSchema = v.strictObject({
  name: nameSchema,
  kind: v.optional(v.picklist(['server', 'client']), 'server'),
  /** What it is good for, beside the machine's name and address; of a client: who it is. Absent: the app's name. */
  names: v.optional(v.array(v.union([nameSchema, domainSchema, addressSchema]))),
  /** A folder, where cert.pem (with its chain), key.pem and ca.pem are put; or a path for each that is wanted. */
  to: v.union(
    [
      v.pipe(machinePlaceSchema, v.regex(/\/$/, 'must be a folder that ends in /')),
      v.strictObject({
        cert: absolutePathSchema,
        key: absolutePathSchema,
        ca: v.optional(absolutePathSchema),
      }),
    ],
    'must be a folder that ends in /, or { cert: …, key: …, ca: … }',
  ),
  owner: v.optional(ownerSchema, 'root:root'),
  /** Of the key. */
  mode: v.optional(modeSchema, '0600'),
  /** What its renewal does. */
  on_change: v.optional(onChangeSchema, 'restart'),
});

const commandSchema = v.strictObject({
  title: v.optional(titleSchema),
  /** The program and its arguments, never a shell's line. */
  exec: commandWordsSchema,
  /** In the container of this unit; absent: on the guest itself, as root. */
  container: v.optional(unitFileSchema),
  timeout: v.optional(commandTimeoutSchema, '5m'),
});

const backupSchema = v.strictObject({
  volumes: v.optional(v.array(v.pipe(v.string(), v.minLength(1))), []),
  paths: v.optional(v.array(absolutePathSchema), []),
  /** Stopped while it is copied. */
  stop: v.optional(v.boolean(), false),
});

export const appSchema = v.strictObject({
  v: v.optional(v.literal(1), 1),
  title: v.optional(titleSchema),
  on: oneOrMany(v.union([nameSchema, placementSchema], 'must be a guest, or { guest: … }')),
  vars: v.optional(valuesSchema, {}),
  /** Unit files of the folder, kept as they are; `*` patterns work. */
  units: v.optional(v.array(unitSchema), []),
  /** A unit that the system brings and that the files belong to: haproxy.service. */
  service: v.optional(unitNameSchema),
  files: v.optional(v.array(fileSchema), []),
  dirs: v.optional(v.array(dirSchema), []),
  route: v.optional(routeSchema),
  routes: v.optional(v.array(routeSchema)),
  health: v.optional(healthSchema),
  metrics: v.optional(oneOrMany(metricsSchema), []),
  page: v.optional(pageSchema, {}),
  secrets: v.optional(secretsSchema, []),
  uses: v.optional(v.array(useSchema), []),
  ports: v.optional(v.array(portEntrySchema), []),
  certs: v.optional(v.array(certSchema), []),
  /** Packages of the distribution, and sources of more of them. */
  packages: v.optional(v.array(packageSchema), []),
  apt: v.optional(v.array(aptSchema), []),
  artifacts: v.optional(v.array(artifactSchema), []),
  /** Users of the machine. */
  users: v.optional(v.array(userSchema), []),
  /** Images that are built there, by the name that units have for them: NAME.build. */
  builds: v.optional(recordOf(nameSchema, buildSchema), {}),
  /** What may become of its images while their names stay; absent: what homelab.yaml says. */
  update: v.optional(updateSchema),
  commands: v.optional(recordOf(nameSchema, commandSchema), {}),
  backup: v.optional(backupSchema),
});
/** apps/<app>/app.yaml, with defaults filled in. */
export type AppFile = v.InferOutput<typeof appSchema>;

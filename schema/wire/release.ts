import * as v from 'valibot';
import { digestSchema } from '../jose/digest.ts';
import { httpsSchema, updateSchema } from '../manifest/native.ts';
import {
  absolutePathSchema,
  durationSchema,
  machinePlaceSchema,
  modeSchema,
  onChangeSchema,
  placeSchema,
  secretNameSchema,
  sha256Schema,
  unitNameSchema,
} from '../manifest/values.ts';
import { countSchema, nameSchema } from './ids.ts';

const mib = 1024 * 1024;

/** A release file, all its files together. */
export const maxReleaseBytes = 32 * mib;
/** One file of a release. */
export const maxReleaseFileBytes = mib;
export const maxReleaseManifestBytes = 8 * mib;
const maxReleaseParts = 256;
/** Files of one part. */
export const maxPartFiles = 10_000;

const textSchema = v.pipe(v.string(), v.maxLength(2000));
/** It stands in the first line of a request: a line break in it would be another request, to whatever listens. */
const healthPathSchema = v.pipe(v.string(), v.maxLength(2000), v.regex(/^(\/[!-~]*)?$/));
const listOf = <const S extends v.GenericSchema>(schema: S, most: number) =>
  v.pipe(v.array(schema), v.maxLength(most));

const ownerTextSchema = v.pipe(
  v.string(),
  v.maxLength(70),
  v.regex(/^[a-z0-9_][a-z0-9_.-]*:[a-z0-9_][a-z0-9_.-]*$/),
);

const releaseFileSchema = v.strictObject({
  /** On the machine; or `volume:NAME/PATH`, in the volume that the unit NAME.volume makes. */
  path: placeSchema,
  app: nameSchema,
  /** Of its bytes, which lie in the release file as `blobs/<hex>`. */
  digest: digestSchema,
  size: countSchema,
  mode: modeSchema,
  /** `user:group`, names or numbers. */
  owner: ownerTextSchema,
  on_change: onChangeSchema,
  /** `seed`: written once where it is missing. */
  manage: v.picklist(['exact', 'seed']),
  /** `unit`: a unit file; its own service follows its changes. */
  kind: v.picklist(['file', 'unit']),
  /** What Podman calls the volume that it is in. */
  volume: v.optional(v.pipe(v.string(), v.maxLength(255))),
  /** Names of secrets whose placeholders it holds. */
  secrets: v.optional(listOf(secretNameSchema, 64)),
});
/** One file that a target is to have. */
export type ReleaseFile = v.InferOutput<typeof releaseFileSchema>;

const releaseUnitSchema = v.strictObject({
  /** What systemd calls it: `grafana.service`. */
  service: unitNameSchema,
  /** Unit files that make it, by name; of a distribution's unit none. */
  files: listOf(v.pipe(v.string(), v.maxLength(255)), 64),
  /**
   * `run`: started and stopped with the app; `resource`: a volume or network that others pull in; `triggered`: what a
   * timer, a path or a socket starts, so that a deployment does not.
   */
  kind: v.picklist(['run', 'resource', 'triggered']),
});
export type ReleaseUnit = v.InferOutput<typeof releaseUnitSchema>;

const releaseSecretSchema = v.strictObject({
  name: secretNameSchema,
  /** Of the age file, `blobs/<hex>`; absent where it is derived, or nobody has set it. */
  digest: v.optional(digestSchema),
  derived: v.optional(
    v.strictObject({ from: listOf(secretNameSchema, 16), as: v.string(), pattern: v.optional(textSchema) }),
  ),
});

const nativeName = v.pipe(v.string(), v.minLength(1), v.maxLength(255));

const releaseArtifactSchema = v.strictObject({
  url: httpsSchema,
  sha256: sha256Schema,
  /** A file; a folder, ending in a slash, where it is unpacked. */
  to: machinePlaceSchema,
  mode: modeSchema,
  owner: ownerTextSchema,
  unpack: v.boolean(),
  strip: countSchema,
  on_change: onChangeSchema,
});

export const releaseCertSchema = v.strictObject({
  name: nameSchema,
  kind: v.picklist(['server', 'client']),
  names: listOf(v.string(), 64),
  /** Where the certificate with its chain goes, its key, and the CA. */
  cert: absolutePathSchema,
  key: absolutePathSchema,
  ca: v.optional(absolutePathSchema),
  owner: ownerTextSchema,
  /** Of the key. */
  mode: modeSchema,
  /** What a renewal does. */
  on_change: onChangeSchema,
});

/** Packages, users and files that are no part of a release's own bytes. */
const nativeMembers = {
  packages: listOf(v.strictObject({ name: nativeName, version: v.optional(nativeName) }), 256),
  apt: listOf(
    v.strictObject({
      name: nameSchema,
      uri: v.pipe(v.string(), v.regex(/^https:/), v.maxLength(500)),
      suites: listOf(nativeName, 16),
      components: listOf(nativeName, 16),
      /** Of the key that signs it: `blobs/<hex>`. */
      key: digestSchema,
    }),
    32,
  ),
  artifacts: listOf(releaseArtifactSchema, 64),
  users: listOf(
    v.strictObject({
      name: nativeName,
      uid: v.optional(countSchema),
      gid: v.optional(countSchema),
      home: v.optional(absolutePathSchema),
      groups: listOf(nativeName, 32),
      shell: absolutePathSchema,
    }),
    32,
  ),
};

/** What other apps use of this one, and what it is to have for them once it runs. */
const providedMembers = {
  databases: listOf(
    v.strictObject({
      database: nativeName,
      role: nativeName,
      /** The secret with the role's password. */
      password: secretNameSchema,
      /** `app@target` */
      for: v.string(),
    }),
    256,
  ),
  clients: listOf(
    v.strictObject({
      client: nameSchema,
      secret: secretNameSchema,
      /** The secret's hash, a derived secret. */
      hash: secretNameSchema,
      redirect: listOf(textSchema, 16),
      access: v.optional(nameSchema),
      /** `app@target` */
      for: v.string(),
    }),
    256,
  ),
};

export type ReleaseCert = v.InferOutput<typeof releaseCertSchema>;

const releaseAppSchema = v.strictObject({
  name: nameSchema,
  units: listOf(releaseUnitSchema, 256),
  secrets: listOf(releaseSecretSchema, 256),
  /** Apps of the same part that are started before it. */
  after: listOf(nameSchema, 64),
  health: v.optional(
    v.strictObject({
      scheme: v.picklist(['http', 'https', 'tcp']),
      port: countSchema,
      path: healthPathSchema,
      status: countSchema,
      within: durationSchema,
    }),
  ),
  dirs: listOf(v.strictObject({ path: absolutePathSchema, mode: modeSchema, owner: ownerTextSchema }), 256),
  /** Folders from which what the release does not hold is removed. */
  prune: listOf(absolutePathSchema, 64),
  ports: listOf(
    v.strictObject({
      port: countSchema,
      proto: v.picklist(['tcp', 'udp']),
      from: v.optional(listOf(v.string(), 64)),
    }),
    64,
  ),
  certs: listOf(releaseCertSchema, 64),
  ...nativeMembers,
  ...providedMembers,
  /** What may become of its images while their names stay; absent: as its units say. */
  update: v.optional(updateSchema),
  commands: listOf(
    v.strictObject({
      name: nameSchema,
      exec: listOf(v.string(), 64),
      container: v.optional(v.string()),
      timeout: durationSchema,
    }),
    64,
  ),
  backup: v.optional(
    v.strictObject({
      volumes: listOf(v.string(), 64),
      paths: listOf(absolutePathSchema, 64),
      stop: v.boolean(),
    }),
  ),
});
export type ReleaseApp = v.InferOutput<typeof releaseAppSchema>;

/** Whether files can all be there: of two with one path, the target would never be as both say. */
export function areApart(files: readonly { readonly path: string }[]): boolean {
  const paths = new Set(files.map(({ path }) => path));
  if (paths.size < files.length) return false;
  for (const path of paths) {
    for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1)) {
      if (paths.has(path.slice(0, at))) return false;
    }
  }
  return true;
}

/** One certificate as text (RFC 7468). */
const certificateTextSchema = v.pipe(
  v.string(),
  v.maxLength(4096),
  v.startsWith('-----BEGIN CERTIFICATE-----\n'),
);

export const releaseAuthoritySchema = v.strictObject({
  /** The private CA's root. */
  root: certificateTextSchema,
  /** The intermediate of the target's host: for the key that its relay made, and for the names of its guests alone. */
  issuer: certificateTextSchema,
});
/** By what the certificates of a part are made. */
export type ReleaseAuthority = v.InferOutput<typeof releaseAuthoritySchema>;

export const releasePartSchema = v.strictObject({
  target: nameSchema,
  /** The host whose relay brings it there; absent for a device, which no relay manages: a person does. */
  relay: v.optional(nameSchema),
  /** Where its apps have certificates, and the owner has signed their host's intermediate. */
  authority: v.optional(releaseAuthoritySchema),
  apps: listOf(releaseAppSchema, 1000),
  files: v.pipe(
    v.array(releaseFileSchema),
    v.maxLength(maxPartFiles),
    v.check((files) => areApart(files), 'must name each path once, and none below another file'),
  ),
});
export type ReleasePart = v.InferOutput<typeof releasePartSchema>;

const routeFactSchema = v.strictObject({
  host: v.string(),
  app: nameSchema,
  target: nameSchema,
  public: v.boolean(),
  access: v.optional(nameSchema),
  when: v.optional(v.string()),
});

export const releaseManifestSchema = v.strictObject({
  v: v.literal(1),
  parts: listOf(releasePartSchema, maxReleaseParts),
  /** What the home offers, in one place: so that two releases can be told apart in words. */
  facts: v.strictObject({
    routes: listOf(routeFactSchema, 10_000),
    names: listOf(
      v.strictObject({ name: v.string(), address: v.optional(v.string()), public: v.boolean() }),
      10_000,
    ),
    access: listOf(
      v.strictObject({
        name: nameSchema,
        policy: v.string(),
        groups: listOf(nameSchema, 64),
        from: listOf(v.string(), 64),
      }),
      256,
    ),
    flows: listOf(
      v.strictObject({ from: v.string(), to: v.string(), port: v.optional(countSchema) }),
      10_000,
    ),
  }),
});
/** What a release holds, part by part. Its canonical JSON is the first file of the release file. */
export type ReleaseManifest = v.InferOutput<typeof releaseManifestSchema>;

/** A release: the manifest's bytes and the bytes that it names, by digest. */
export type Release = {
  readonly manifest: ReleaseManifest;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** digestBytes(bytes): what sha256sum says of the manifest's file. */
  readonly digest: string;
  readonly blobs: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
};

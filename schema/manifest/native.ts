import * as v from 'valibot';
import { nameSchema } from '../wire/ids.ts';
import { recordOf } from '../wire/record.ts';
import {
  absolutePathSchema,
  modeSchema,
  onChangeSchema,
  oneOrMany,
  ownerSchema,
  placeSchema,
  relativePathSchema,
  sha256Schema,
} from './values.ts';

/** What is fetched from elsewhere, and is the same only by its digest. */
export const httpsSchema = v.pipe(
  v.string(),
  v.maxLength(500),
  v.regex(
    /^https:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?(\/[^\s"'<>\\]*)?$/,
    'must be https://, a name and a path, without a user',
  ),
);

const packageNameSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9+.-]{1,100}$/, 'must be a package of Debian such as haproxy'),
);

/** A package of the distribution. */
export const packageSchema = v.union(
  [
    packageNameSchema,
    v.strictObject({
      name: packageNameSchema,
      /** The version that is held; `*` at its end for what comes after. */
      version: v.pipe(
        v.string(),
        v.maxLength(100),
        v.regex(/^[0-9][A-Za-z0-9.+:~-]*\*?$/, 'must be a version in quotes such as "3.0.*"'),
      ),
    }),
  ],
  'must be a package, or { name: …, version: … }',
);

const suiteSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9./_-]{0,100}$/, 'must be such as trixie or stable'),
);

/** A source of packages beside the distribution's own. */
export const aptSchema = v.strictObject({
  name: nameSchema,
  uri: httpsSchema,
  suites: oneOrMany(suiteSchema),
  components: v.optional(oneOrMany(suiteSchema), []),
  /** A file of the app's folder: the key that signs it. */
  key: relativePathSchema,
});

/** A file or an archive that is fetched, and must have this digest. */
export const artifactSchema = v.pipe(
  v.strictObject({
    url: httpsSchema,
    sha256: sha256Schema,
    /** A file; with `unpack` a folder that ends in a slash. */
    to: placeSchema,
    mode: v.optional(modeSchema, '0644'),
    owner: v.optional(ownerSchema, 'root:root'),
    /** Whether it is an archive whose files are wanted, each with its own mode. */
    unpack: v.optional(v.boolean(), false),
    /** Folders of the archive's paths that are left away. */
    strip: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(8)), 0),
    on_change: v.optional(onChangeSchema, 'restart'),
  }),
  v.check(
    ({ to, unpack }) => to.endsWith('/') === unpack,
    'must go to a folder that ends in / with unpack, to a file without',
  ),
  v.check(({ to }) => !to.startsWith('volume:'), 'must go to a path of the machine, not into a volume'),
);
export type ArtifactEntry = v.InferOutput<typeof artifactSchema>;

const accountSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z_][a-z0-9_-]{0,30}$/, 'must be 1 to 31 of a-z, 0-9, _ and -'),
);
const idSchema = v.pipe(
  v.number(),
  v.safeInteger(),
  v.minValue(1, 'must be 1 or more: 0 is root'),
  v.maxValue(4_294_967_294),
);

/** A user of the machine that a service runs as. */
export const userSchema = v.strictObject({
  name: accountSchema,
  uid: v.optional(idSchema),
  gid: v.optional(idSchema),
  home: v.optional(absolutePathSchema),
  /** Groups beside its own. */
  groups: v.optional(v.array(accountSchema), []),
  shell: v.optional(absolutePathSchema, '/usr/sbin/nologin'),
});

/** An image that is built on the machine from a source that its digest pins. A unit names it by `Image=NAME.build`. */
export const buildSchema = v.strictObject({
  /** An archive. A source in the repo needs no build here: `files` place it, and a .build file names it. */
  source: httpsSchema,
  sha256: sha256Schema,
  /** What the image is called; absent: localhost/NAME, with the beginning of the digest as its tag. */
  image: v.optional(
    v.pipe(
      v.string(),
      v.maxLength(255),
      v.regex(
        /^localhost\/[a-z0-9]+([._/-][a-z0-9]+)*:[\w][\w.-]{0,127}$/,
        'must be such as localhost/comments:1.4.0',
      ),
    ),
  ),
  /** In the source; absent: its Containerfile or Dockerfile. */
  file: v.optional(
    v.pipe(
      relativePathSchema,
      v.regex(/^[A-Za-z0-9._/-]+$/, 'must be a path of A-Z, a-z, 0-9, ., _, - and /'),
    ),
  ),
  args: v.optional(
    recordOf(
      v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/)),
      v.pipe(v.string(), v.minLength(1), v.maxLength(500), v.regex(/^\P{Cc}*$/u, 'must be one line')),
    ),
    {},
  ),
  /** The stage that is wanted, where the file has several. */
  stage: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/))),
  /** Folders of the archive's paths that are left away; most archives have one. */
  strip: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(8)), 1),
});
export type BuildEntry = v.InferOutput<typeof buildSchema>;

/**
 * What may become of an image whose name stays. `pinned`: nothing, it changes with the repo alone; `minor`: what its
 * tag, which names a version, comes to stand for; `floating`: whatever its tag comes to stand for.
 */
export const updateSchema = v.picklist(['pinned', 'minor', 'floating']);
export type Update = v.InferOutput<typeof updateSchema>;

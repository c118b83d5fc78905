import * as v from 'valibot';
import { nameSchema } from '../wire/ids.ts';
import { recordOf } from '../wire/record.ts';
import { oneOrMany, portSchema, secretNameSchema } from './values.ts';

/** A name of a database or role that needs no quotes in SQL, and is none that Postgres itself has or keeps. */
const sqlNameSchema = v.pipe(
  v.string(),
  v.regex(
    /^(?!(pg_|(postgres|public|none|template0|template1)$))[a-z_][a-z0-9_]{0,62}$/,
    'must be 1 to 63 of a-z, 0-9 and _, starting with a letter, and no name that Postgres keeps for itself',
  ),
);

export const useSchema = v.union(
  [
    nameSchema,
    v.strictObject({
      app: nameSchema,
      /** Which instance, where the app is on several. */
      on: v.optional(nameSchema),
      /** The port that is spoken to; absent: the app's own. */
      port: v.optional(portSchema),
      /** Whether the app is started after the one it uses. */
      after: v.optional(v.boolean(), true),
    }),
    v.strictObject({
      /** A database and a role there. Both machines get the password. */
      postgres: v.strictObject({
        app: v.optional(nameSchema, 'postgres'),
        on: v.optional(nameSchema),
        database: sqlNameSchema,
        /** Absent: of the database's name. */
        role: v.optional(sqlNameSchema),
        /** The secret with the role's password. */
        password: secretNameSchema,
      }),
    }),
    v.strictObject({
      /** A client of the sign-in. Its machine gets the secret, too, and derives `<secret>_hash` from it. */
      oidc: v.strictObject({
        app: v.optional(nameSchema, 'authelia'),
        on: v.optional(nameSchema),
        /** The client's id; absent: the app's name. */
        client: v.optional(nameSchema),
        secret: v.pipe(secretNameSchema, v.maxLength(63 - '_hash'.length)),
        redirect: v.optional(oneOrMany(v.pipe(v.string(), v.minLength(1), v.maxLength(500))), []),
        /** Who may sign in: a name of `access` in homelab.yaml. */
        access: v.optional(nameSchema),
      }),
    }),
  ],
  'must be an app, or one of { app: … }, { postgres: … }, { oidc: … }',
);
export type UseEntry = v.InferOutput<typeof useSchema>;

const derivedSchema = v.pipe(
  v.strictObject({
    /** The secrets it is made of, on the target. */
    from: oneOrMany(secretNameSchema),
    as: v.picklist(['bcrypt', 'pbkdf2-sha512', 'base64', 'text']),
    /** With `text`: the pattern, in which `<<name>>` stands for a secret. */
    pattern: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(1000))),
  }),
  v.check(
    ({ as, pattern }) => (as === 'text') === (pattern !== undefined),
    'must have a pattern with as: text, and with that alone',
  ),
  v.check(({ as, from }) => as === 'text' || from.length === 1, 'must be from one secret, but for as: text'),
  v.check(
    ({ from, pattern = '' }) =>
      [...pattern.matchAll(/<<([^<>]*)>>/g)].every(([, name]) => from.includes(name!)),
    'must list in from: each secret that its pattern names',
  ),
);
export type Derived = v.InferOutput<typeof derivedSchema>;

export const secretsSchema = v.union(
  [v.array(secretNameSchema), recordOf(secretNameSchema, v.nullable(derivedSchema))],
  'must be a list of names, or names with how they are derived',
);

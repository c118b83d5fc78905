import * as v from 'valibot';
import { subnetSchema } from '../../../../schema/manifest/values.ts';
import { nameSchema } from '../../../../schema/wire/ids.ts';
import { recordOf } from '../../../../schema/wire/record.ts';
import { lineSchema } from '../read-options.ts';

const sqlNameSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z_][a-z0-9_]{0,62}$/, 'must be a name such as grafana'),
);

/** As Postgres names them: `pg_trgm`, `uuid-ossp`. */
const extensionSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9_-]{0,62}$/, 'must be an extension such as pg_trgm'),
);

export const postgresOptionsSchema = v.strictObject({
  app: v.pipe(
    v.optional(nameSchema),
    v.description('the app that is Postgres; by default the one on this machine that apps have databases of'),
  ),
  secrets: v.pipe(
    v.optional(
      // It stands in a line of the shell.
      v.pipe(v.string(), v.regex(/^(\/[A-Za-z0-9_.-]+)+$/, 'must be a folder such as /run/secrets')),
      '/run/secrets',
    ),
    v.description('the folder with one file for each password, by the name of its secret; `/run/secrets`'),
  ),
  owners: v.pipe(
    v.optional(recordOf(sqlNameSchema, sqlNameSchema), {}),
    v.description(
      'roles that databases belong to, by database, where several roles use one and none has its name',
    ),
  ),
  extensions: v.pipe(
    v.optional(recordOf(sqlNameSchema, v.array(extensionSchema)), {}),
    v.description('extensions to make, by database; their files must be on the machine'),
  ),
  sql: v.pipe(
    v.optional(v.array(lineSchema), []),
    v.description('lines of psql that are run after all else, each time'),
  ),
  superuser: v.pipe(
    v.optional(sqlNameSchema, 'postgres'),
    v.description('the role that makes the others; `postgres`'),
  ),
  here: v.pipe(
    v.optional(
      v.array(v.union([v.picklist(['samehost', 'samenet']), subnetSchema], 'must be a subnet or samenet')),
    ),
    v.description(
      'where apps of the same machine come from, as pg_hba.conf has it; by default `samenet` for Postgres in a container, else `samehost` and the subnet of the containers',
    ),
  ),
  tls: v.pipe(
    v.optional(v.boolean(), true),
    v.description('whether apps of other machines must come by TLS; `true`'),
  ),
  hba: v.pipe(v.optional(v.array(lineSchema), []), v.description('lines of pg_hba.conf after all others')),
  uid: v.pipe(
    v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(4_294_967_294)), 0),
    v.description('who reads the passwords in the container; `0`'),
  ),
});
export type PostgresOptions = v.InferOutput<typeof postgresOptionsSchema>;

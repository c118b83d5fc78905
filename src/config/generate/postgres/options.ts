import * as v from 'valibot';
import { subnetSchema } from '../../../../schema/manifest/values.ts';
import { nameSchema } from '../../../../schema/wire/ids.ts';
import { recordOf } from '../../../../schema/wire/record.ts';
import { lineSchema } from '../shared/read-options.ts';

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
    v.description(
      'The app that is Postgres. By default the one on this machine that apps have databases of.',
    ),
  ),
  secrets: v.pipe(
    v.optional(
      // It stands in a line of the shell.
      v.pipe(v.string(), v.regex(/^(\/[A-Za-z0-9_.-]+)+$/, 'must be a folder such as /run/secrets')),
      '/run/secrets',
    ),
    v.description('The folder with one file for each password, by the name of its secret.'),
  ),
  owners: v.pipe(
    v.optional(recordOf(sqlNameSchema, sqlNameSchema), {}),
    v.description(
      'Roles that databases belong to, by database, where several roles use one and none has its name.',
    ),
  ),
  extensions: v.pipe(
    v.optional(recordOf(sqlNameSchema, v.array(extensionSchema)), {}),
    v.description('Extensions to make, by database. Their files must be on the machine.'),
  ),
  sql: v.pipe(
    v.optional(v.array(lineSchema), []),
    v.description('Lines of psql that are run after all else, each time.'),
  ),
  superuser: v.pipe(v.optional(sqlNameSchema, 'postgres'), v.description('The role that makes the others.')),
  here: v.pipe(
    v.optional(
      v.array(v.union([v.picklist(['samehost', 'samenet']), subnetSchema], 'must be a subnet or samenet')),
    ),
    v.description(
      'Where apps of the same machine come from, as pg_hba.conf has it. By default `samenet` for Postgres in a container, else `samehost` and the subnet of the containers.',
    ),
  ),
  tls: v.pipe(
    v.optional(v.boolean(), true),
    v.description('Whether apps of other machines must come by TLS.'),
  ),
  hba: v.pipe(v.optional(v.array(lineSchema), []), v.description('Lines of pg_hba.conf after all others.')),
  uid: v.pipe(
    v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(4_294_967_294)), 0),
    v.description('Who reads the passwords in the container.'),
  ),
});
export type PostgresOptions = v.InferOutput<typeof postgresOptionsSchema>;

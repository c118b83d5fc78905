import * as v from 'valibot';
import {
  absolutePathSchema,
  addressSchema,
  durationSchema,
  hostNameSchema,
  oneOrMany,
  subnetSchema,
} from '../../../../schema/manifest/values.ts';
import { nameSchema } from '../../../../schema/wire/ids.ts';
import { lineSchema } from '../shared/read-options.ts';

const count = (min: number, max: number) =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(min), v.maxValue(max));

/** `*` for every IPv4 address; `::` for every IPv6 one. */
const bindSchema = v.union(
  [v.literal('*'), addressSchema, v.pipe(v.string(), v.regex(/^[0-9a-f]{0,4}(:[0-9a-f]{0,4}){2,7}$/))],
  'must be * or an address',
);

/** A path that stands in HAProxy's lines without quotes. */
export const plainPath = /^[A-Za-z0-9/._@+-]+$/;
const pathSchema = v.pipe(
  absolutePathSchema,
  v.regex(plainPath, 'must be a path of letters, digits and any of / . _ @ + -'),
);

const countrySchema = v.pipe(v.string(), v.regex(/^[A-Z]{2}$/, 'must be a country code such as DE'));

const limitsSchema = v.strictObject({
  rate: v.pipe(
    v.optional(count(1, 100_000), 100),
    v.description('New connections in 10 s. Who opens more is banned.'),
  ),
  concurrent: v.pipe(v.optional(count(1, 100_000), 200), v.description('Connections at a time.')),
  ban: v.pipe(
    v.optional(durationSchema, '10m'),
    v.description('How long a banned source must be silent before it is answered again.'),
  ),
  except: v.pipe(
    v.optional(oneOrMany(v.union([addressSchema, subnetSchema])), []),
    v.description('Sources without limits.'),
  ),
});

const lines = (where: string) => v.pipe(v.optional(v.array(lineSchema), []), v.description(where));

export const haproxyOptionsSchema = v.strictObject({
  bind: v.pipe(
    v.optional(oneOrMany(bindSchema), ['*']),
    v.description('`*` for every IPv4 address, `::` for every IPv6 one, or addresses.'),
  ),
  maxconn: v.pipe(
    v.optional(count(50, 1_000_000), 2000),
    v.description('Connections in all; one takes about 35 KiB.'),
  ),
  http: v.pipe(v.optional(v.boolean(), true), v.description('Whether port 80 sends to HTTPS.')),
  limits: v.pipe(
    v.optional(v.union([limitsSchema, v.literal(false)]), () => v.parse(limitsSchema, {})),
    v.description('What one source may open; `false` for no limits.'),
  ),
  blocked_networks: v.pipe(
    v.optional(oneOrMany(v.union([addressSchema, subnetSchema])), []),
    v.description('Sources that are not answered.'),
  ),
  country_map: v.pipe(
    v.optional(pathSchema),
    v.description('A file on the machine of networks and countries, such as `192.0.2.0/24 DE`, one a line.'),
  ),
  blocked_countries: v.pipe(
    v.optional(oneOrMany(countrySchema), []),
    v.description('Countries that are not answered, by that file.'),
  ),
  allowed_countries: v.pipe(
    v.optional(oneOrMany(countrySchema), []),
    v.description(
      'Where some are allowed, all others are not answered, those of no known country among them.',
    ),
  ),
  denied_paths: v.pipe(
    v.optional(oneOrMany(v.pipe(lineSchema, v.regex(/^\//, 'must start with /'))), []),
    v.description('Beginnings of paths that port 80 does not answer.'),
  ),
  catch_all: v.pipe(
    v.optional(nameSchema),
    v.description('The machine that gets the domain and every name below it that nothing else has.'),
  ),
  exceptions: v.pipe(
    v.optional(oneOrMany(hostNameSchema), []),
    v.description('Names for which neither limits nor blocks hold.'),
  ),
  unknown: v.pipe(
    v.optional(v.picklist(['drop', 'reject']), 'drop'),
    v.description('What unknown names get: no answer, or a reset.'),
  ),
  stats: v.pipe(v.optional(pathSchema), v.description('A socket that tells how the machines are.')),
  extra: v.pipe(
    v.optional(
      v.strictObject({
        global: lines('Lines of `global`.'),
        defaults: lines('Lines of `defaults`.'),
        frontend: lines('Lines of the frontend of TLS.'),
        sections: lines('Whole sections, at the end.'),
      }),
      () => ({ global: [], defaults: [], frontend: [], sections: [] }),
    ),
    v.description('HAProxy’s own lines, as they are.'),
  ),
});
export type HaproxyOptions = v.InferOutput<typeof haproxyOptionsSchema>;

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
import { lineSchema } from '../read-options.ts';

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

/** What one source may do; beyond it, its connections are dropped without an answer. */
const limitsSchema = v.strictObject({
  /** New connections in 10 s. Who opens more is banned. */
  rate: v.optional(count(1, 100_000), 100),
  /** Connections at a time. */
  concurrent: v.optional(count(1, 100_000), 200),
  /** A ban goes on until the source has been silent for so long. */
  ban: v.optional(durationSchema, '10m'),
  /** Sources without limits. */
  except: v.optional(oneOrMany(v.union([addressSchema, subnetSchema])), []),
});

const lines = v.optional(v.array(lineSchema), []);

export const haproxyOptionsSchema = v.strictObject({
  bind: v.optional(oneOrMany(bindSchema), ['*']),
  /** Connections in all; one takes about 35 KiB. */
  maxconn: v.optional(count(50, 1_000_000), 2000),
  /** Whether plain HTTP on port 80 is sent to HTTPS. */
  http: v.optional(v.boolean(), true),
  /** `false`: none. */
  limits: v.optional(v.union([limitsSchema, v.literal(false)]), () => v.parse(limitsSchema, {})),
  blocked_networks: v.optional(oneOrMany(v.union([addressSchema, subnetSchema])), []),
  /** A map of networks to countries on the machine: `192.0.2.0/24 DE`, one a line. */
  country_map: v.optional(pathSchema),
  blocked_countries: v.optional(oneOrMany(countrySchema), []),
  /** Where given, connections from elsewhere are dropped, those of no known country among them. */
  allowed_countries: v.optional(oneOrMany(countrySchema), []),
  /** Beginnings of paths that are dropped on port 80, in place of sent on. */
  denied_paths: v.optional(oneOrMany(v.pipe(lineSchema, v.regex(/^\//, 'must start with /'))), []),
  /** The guest or host that gets the site's domain and every name below it that nothing else has. */
  catch_all: v.optional(nameSchema),
  /** Names for which neither limits nor blocks hold. */
  exceptions: v.optional(oneOrMany(hostNameSchema), []),
  /** What happens to connections for names that nobody has: no answer at all, or a reset. */
  unknown: v.optional(v.picklist(['drop', 'reject']), 'drop'),
  /** A socket that tells how the machines are. */
  stats: v.optional(pathSchema),
  /** Lines of HAProxy's own, as they are; `sections` stand at the end. */
  extra: v.optional(
    v.strictObject({ global: lines, defaults: lines, frontend: lines, sections: lines }),
    () => ({ global: [], defaults: [], frontend: [], sections: [] }),
  ),
});
export type HaproxyOptions = v.InferOutput<typeof haproxyOptionsSchema>;

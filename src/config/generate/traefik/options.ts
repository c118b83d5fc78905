import * as v from 'valibot';
import { durationSchema } from '../../../../schema/manifest/values.ts';
import { recordOf } from '../../../../schema/wire/record.ts';

/** What Traefik itself reads, passed on as it is. */
const nativeSchema = recordOf(v.string(), v.unknown());
const nativesSchema = recordOf(
  v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, 'must be a name without @')),
  nativeSchema,
);
const headersSchema = v.array(v.pipe(v.string(), v.regex(/^[A-Za-z0-9-]{1,60}$/, 'must be a header')));

const forwardAuthSchema = v.strictObject({
  /** Asked before a request passes; absent: the app `authelia` on the same machine. */
  address: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^https?:\/\/[^\s/@?#]+\/[^\s#]*$/, 'must be such as https://host:port/path'),
      v.check((text) => URL.canParse(text), 'must be such as https://host:port/path'),
    ),
  ),
  /** Headers of the request that it is shown; absent: all. */
  request_headers: v.optional(headersSchema),
  /** Headers of its answer that the app is given. No client can send them. */
  response_headers: v.optional(headersSchema, [
    'Remote-User',
    'Remote-Groups',
    'Remote-Email',
    'Remote-Name',
  ]),
  /** `ca`, `cert` and `key` towards it, as Traefik names them. */
  tls: v.optional(nativeSchema),
});

export const traefikOptionsSchema = v.strictObject({
  /** Entry points beside `http`, `home` and `public`, or more of these. */
  entry_points: v.optional(nativesSchema, {}),
  /** Certificate resolvers; the first is that of routes which name none. */
  resolvers: v.optional(nativesSchema, {}),
  /** Where Traefik finds what `traefik/dynamic` makes: a folder that ends in a slash, or a file. */
  dynamic: v.optional(v.pipe(v.string(), v.regex(/^\/\S+$/, 'must be a path')), '/etc/traefik/dynamic/'),
  log: v.optional(v.picklist(['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR']), 'INFO'),
  forward_auth: v.optional(forwardAuthSchema, {}),
  middlewares: v.optional(nativesSchema, {}),
  /** serversTransports. */
  transports: v.optional(nativesSchema, {}),
  /** TLS options, `default` for those of every route. */
  tls_options: v.optional(nativesSchema, {}),
  /** How often an app that may sleep is asked whether it is awake. */
  health_interval: v.optional(durationSchema, '10s'),
  /** Merged over what `traefik/dynamic` makes. */
  extra: v.optional(
    v.strictObject({
      http: v.optional(nativeSchema),
      tcp: v.optional(nativeSchema),
      udp: v.optional(nativeSchema),
      tls: v.optional(nativeSchema),
    }),
    {},
  ),
  /** Merged over what `traefik/static` makes. */
  extra_static: v.optional(nativeSchema, {}),
});
export type TraefikOptions = v.InferOutput<typeof traefikOptionsSchema>;

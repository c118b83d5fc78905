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
  address: v.pipe(
    v.optional(
      v.pipe(
        v.string(),
        v.regex(/^https?:\/\/[^\s/@?#]+\/[^\s#]*$/, 'must be such as https://host:port/path'),
        v.check((text) => URL.canParse(text), 'must be such as https://host:port/path'),
      ),
    ),
    v.description(
      'What is asked, such as `https://host:port/path`. By default the app `authelia` on the same machine.',
    ),
  ),
  request_headers: v.pipe(
    v.optional(headersSchema),
    v.description('Headers of the request that it is shown. By default all.'),
  ),
  response_headers: v.pipe(
    v.optional(headersSchema, ['Remote-User', 'Remote-Groups', 'Remote-Email', 'Remote-Name']),
    v.description('Headers of its answer that the app is given. No client can send them.'),
  ),
  tls: v.pipe(
    v.optional(nativeSchema),
    v.description('`ca`, `cert` and `key` towards it, as Traefik names them.'),
  ),
});

const extraSchema = v.strictObject({
  http: v.pipe(v.optional(nativeSchema), v.description('Routers, services and middlewares.')),
  tcp: v.pipe(v.optional(nativeSchema), v.description('Those of TCP.')),
  udp: v.pipe(v.optional(nativeSchema), v.description('Those of UDP.')),
  tls: v.pipe(v.optional(nativeSchema), v.description('Certificates, stores and options.')),
});

export const traefikOptionsSchema = v.strictObject({
  entry_points: v.pipe(
    v.optional(nativesSchema, {}),
    v.description(
      'Entry points of the owner’s, or more of `http`, `home` and `public`, as Traefik has them.',
    ),
  ),
  resolvers: v.pipe(
    v.optional(nativesSchema, {}),
    v.description('Certificate resolvers, as Traefik has them. The first is that of routes which name none.'),
  ),
  dynamic: v.pipe(
    v.optional(v.pipe(v.string(), v.regex(/^\/\S+$/, 'must be a path')), '/etc/traefik/dynamic/'),
    v.description('Where Traefik finds what `traefik/dynamic` makes: a folder that ends in `/`, or a file.'),
  ),
  log: v.pipe(
    v.optional(v.picklist(['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR']), 'INFO'),
    v.description('The level of its log.'),
  ),
  forward_auth: v.pipe(
    v.optional(forwardAuthSchema, {}),
    v.description('Who is asked before a request passes, and what it is told.'),
  ),
  middlewares: v.pipe(
    v.optional(nativesSchema, {}),
    v.description('Middlewares that routes name, as Traefik has them.'),
  ),
  transports: v.pipe(
    v.optional(nativesSchema, {}),
    v.description('serversTransports that routes name, as Traefik has them.'),
  ),
  tls_options: v.pipe(
    v.optional(nativesSchema, {}),
    v.description('TLS options. `default` begins with TLS 1.2 and strict SNI.'),
  ),
  health_interval: v.pipe(
    v.optional(durationSchema, '10s'),
    v.description('How often an app that may sleep is asked whether it is awake.'),
  ),
  extra: v.pipe(v.optional(extraSchema, {}), v.description('Merged over what `traefik/dynamic` makes.')),
  extra_static: v.pipe(
    v.optional(nativeSchema, {}),
    v.description('Merged over what `traefik/static` makes.'),
  ),
});
export type TraefikOptions = v.InferOutput<typeof traefikOptionsSchema>;

import * as v from 'valibot';
import { durationSchema } from '../../../../schema/manifest/values.ts';
import { nameSchema } from '../../../../schema/wire/ids.ts';
import { recordOf } from '../../../../schema/wire/record.ts';

/** What Gatus itself reads, passed on as it is: with its `${VARIABLE}`, too. */
const nativeSchema = recordOf(v.string(), v.unknown());

const variableSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, 'must be the name of an environment variable, such as NTFY_TOKEN'),
);

export const gatusOptionsSchema = v.strictObject({
  interval: v.pipe(v.optional(durationSchema, '1m'), v.description('How often each endpoint is asked.')),
  slow: v.pipe(v.optional(durationSchema, '5s'), v.description('An answer that takes this long is a fault.')),
  certificate: v.pipe(
    v.optional(durationSchema, '10d'),
    v.description('How long a certificate must hold from now on.'),
  ),
  settle: v.pipe(
    v.optional(durationSchema, '10m'),
    v.description('How long nothing is raised after a host was to wake.'),
  ),
  client: v.pipe(
    v.optional(nativeSchema, {}),
    v.description('The client of every endpoint, as Gatus has it: `dns-resolver`, `timeout`.'),
  ),
  alerts: v.pipe(
    v.optional(v.union([v.boolean(), v.array(v.string())]), true),
    v.description(
      'Of which endpoints Gatus tells somebody itself: all, none, or those of these names. Where vmalert judges its metrics, what vmalert needs itself will do.',
    ),
  ),
  alert: v.pipe(
    v.optional(nativeSchema, {
      'failure-threshold': 3,
      'success-threshold': 2,
      'send-on-resolved': true,
    }),
    v.description('When an alert is raised and ended, as Gatus has it in `default-alert`.'),
  ),
  tokens: v.pipe(
    v.optional(recordOf(nameSchema, variableSchema), {}),
    v.description('By channel, the environment variable of Gatus’ container that holds its token.'),
  ),
  email: v.pipe(
    v.optional(nativeSchema),
    v.description('The server that sends to channels with `email`, as Gatus has it: `from`, `host`, `port`.'),
  ),
  endpoints: v.pipe(
    v.optional(recordOf(v.string(), v.nullable(nativeSchema)), {}),
    v.description('Members merged over the endpoint of that name; `null` takes it away.'),
  ),
  more: v.pipe(v.optional(v.array(nativeSchema), []), v.description('More endpoints, as Gatus has them.')),
  extra: v.pipe(v.optional(nativeSchema, {}), v.description('Merged over the whole file.')),
});
export type GatusOptions = v.InferOutput<typeof gatusOptionsSchema>;

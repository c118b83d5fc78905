import * as v from 'valibot';
import { nameSchema } from '../wire/ids.ts';
import { recordOf } from '../wire/record.ts';
import { hostNameSchema, oneOrSome, portSchema, titleSchema } from './values.ts';

const textSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(500));

export const routeSchema = v.strictObject({
  /** What tells it from the app's other routes; needed from the second on. */
  name: v.optional(nameSchema),
  host: oneOrSome(hostNameSchema),
  /** Where the app listens. Absent with `service` alone. */
  port: v.optional(portSchema),
  /** Who may pass: a name of `access` in homelab.yaml. Absent: whoever reaches the name. */
  access: v.optional(nameSchema),
  /** Reachable from the internet; otherwise from home and the tailnet alone. */
  public: v.optional(v.boolean(), false),
  /** The container that answers, where the app has several. */
  container: v.optional(v.pipe(v.string(), v.regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/))),
  /** Conditions beside the name. All must hold; of a list, one. */
  when: v.optional(
    v.strictObject({
      path: v.optional(oneOrSome(textSchema)),
      not_path: v.optional(oneOrSome(textSchema)),
      header: v.optional(recordOf(textSchema, textSchema)),
      method: v.optional(oneOrSome(v.picklist(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']))),
    }),
  ),
  /** Which is tried first, the highest. Absent: 100 for a whole name, and more with conditions. */
  priority: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(1_000_000))),
  /** Names of the proxy's own middlewares, in order, after those that `access` brings. */
  middlewares: v.optional(v.array(textSchema), []),
  scheme: v.optional(v.picklist(['http', 'https', 'h2c', 'tcp']), 'http'),
  /** The proxy's own serversTransport: a private CA or a client certificate towards the app. */
  transport: v.optional(textSchema),
  /** A service that the proxy itself has, such as `api@internal`, in place of the app. */
  service: v.optional(textSchema),
  /** The resolver that gets the certificate; absent: the proxy's first. */
  resolver: v.optional(textSchema),
  /** The proxy's own entry points, in place of those that `public` means. */
  entry_points: v.optional(v.array(textSchema)),
  /** The name is passed through unopened to the app, which holds the certificate itself. */
  passthrough: v.optional(v.boolean(), false),
  /** The guest or host whose proxy answers; absent: the one on the app's own. */
  via: v.optional(nameSchema),
  /** What answers here answers for names whose own app or proxy sleeps, too. One route of the home may say so. */
  waking: v.optional(v.boolean(), false),
  title: v.optional(titleSchema),
});
export type RouteEntry = v.InferOutput<typeof routeSchema>;

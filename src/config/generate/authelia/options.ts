import * as v from 'valibot';
import { nameSchema } from '../../../../schema/wire/ids.ts';
import { recordOf } from '../../../../schema/wire/record.ts';

/** What Authelia itself reads, passed on as it is. */
const nativeSchema = recordOf(v.string(), v.unknown());
const rulesSchema = v.array(nativeSchema);

export const autheliaOptionsSchema = v.strictObject({
  rules_before: v.pipe(
    v.optional(rulesSchema, []),
    v.description('Rules of the owner’s own that are tried first, as Authelia has them.'),
  ),
  rules_after: v.pipe(
    v.optional(rulesSchema, []),
    v.description('Rules of the owner’s own that are tried last.'),
  ),
  encoded_paths_refused: v.pipe(
    v.optional(v.boolean(), false),
    v.description(
      'Whether the proxies refuse paths with encoded characters such as `%2F`, so that both read a path alike.',
    ),
  ),
  extra: v.pipe(v.optional(nativeSchema, {}), v.description('Merged over `access_control`.')),
  policy: v.pipe(
    v.optional(v.picklist(['one_factor', 'two_factor']), 'two_factor'),
    v.description('What a client asks for whose app names no `access`.'),
  ),
  client: v.pipe(
    v.optional(nativeSchema, {}),
    v.description('Members of every client, as Authelia has them.'),
  ),
  clients: v.pipe(
    v.optional(recordOf(nameSchema, nativeSchema), {}),
    v.description('Members of one client, by its id.'),
  ),
  extra_oidc: v.pipe(v.optional(nativeSchema, {}), v.description('Merged over `identity_providers.oidc`.')),
});
export type AutheliaOptions = v.InferOutput<typeof autheliaOptionsSchema>;

import * as v from 'valibot';
import { oneOrMany, portSchema } from '../../../../schema/manifest/values.ts';
import { nameSchema } from '../../../../schema/wire/ids.ts';
import { recordOf } from '../../../../schema/wire/record.ts';

/** What Headscale itself reads, passed on as it is. */
const nativeSchema = recordOf(v.string(), v.unknown());
const nativesSchema = v.array(nativeSchema);

const tagsSchema = v.strictObject({
  /** Machines that carry HAProxy, and with it the control plane. */
  edge: v.optional(nameSchema, 'edge'),
  host: v.optional(nameSchema, 'host'),
  guest: v.optional(nameSchema, 'guest'),
  /** What announces the subnets of the home. */
  router: v.optional(nameSchema, 'router'),
});

export const headscaleOptionsSchema = v.strictObject({
  admins: v.pipe(
    v.optional(nameSchema, 'admins'),
    v.description('the group that reaches everything and owns the tags; `admins`'),
  ),
  tags: v.pipe(
    v.optional(tagsSchema, {}),
    v.description(
      'what machines are tagged as, without `tag:`: `edge`, `host`, `guest`, and `router`, which may announce the subnets',
    ),
  ),
  control_port: v.pipe(
    v.optional(portSchema, 8420),
    v.description('where relays reach the control plane on the public machine; `8420`'),
  ),
  with_devices: v.pipe(
    v.optional(oneOrMany(nameSchema)),
    v.description(
      'people of whom tests tell, because they have a device on the tailnet; by default the admins',
    ),
  ),
  acls: v.pipe(
    v.optional(nativesSchema, []),
    v.description('rules beside those that are made, as Headscale has them'),
  ),
  tests: v.pipe(
    v.optional(nativesSchema, []),
    v.description('tests beside those that are made, as Headscale has them'),
  ),
  extra: v.pipe(v.optional(nativeSchema, {}), v.description('merged over the policy')),
});
export type HeadscaleOptions = v.InferOutput<typeof headscaleOptionsSchema>;

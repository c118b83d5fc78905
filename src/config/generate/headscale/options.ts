import * as v from 'valibot';
import { oneOrMany, portSchema } from '../../../../schema/manifest/values.ts';
import { nameSchema } from '../../../../schema/wire/ids.ts';
import { recordOf } from '../../../../schema/wire/record.ts';

/** What Headscale itself reads, passed on as it is. */
const nativeSchema = recordOf(v.string(), v.unknown());
const nativesSchema = v.array(nativeSchema);

const tagsSchema = v.strictObject({
  edge: v.pipe(
    v.optional(nameSchema, 'edge'),
    v.description('Machines that carry HAProxy, and with it the control plane.'),
  ),
  host: v.pipe(v.optional(nameSchema, 'host'), v.description('Other hosts.')),
  guest: v.pipe(v.optional(nameSchema, 'guest'), v.description('Guests.')),
  router: v.pipe(
    v.optional(nameSchema, 'router'),
    v.description('What may announce the subnets of the home.'),
  ),
});

export const headscaleOptionsSchema = v.strictObject({
  admins: v.pipe(
    v.optional(nameSchema, 'admins'),
    v.description('The group that reaches everything and owns the tags.'),
  ),
  tags: v.pipe(v.optional(tagsSchema, {}), v.description('What machines are tagged as, without `tag:`.')),
  control_port: v.pipe(
    v.optional(portSchema, 8420),
    v.description('Where relays reach the control plane on the public machine.'),
  ),
  with_devices: v.pipe(
    v.optional(oneOrMany(nameSchema)),
    v.description(
      'People of whom tests tell, because they have a device on the tailnet. By default the admins.',
    ),
  ),
  acls: v.pipe(
    v.optional(nativesSchema, []),
    v.description('Rules beside those that are made, as Headscale has them.'),
  ),
  tests: v.pipe(
    v.optional(nativesSchema, []),
    v.description('Tests beside those that are made, as Headscale has them.'),
  ),
  extra: v.pipe(v.optional(nativeSchema, {}), v.description('Merged over the policy.')),
});
export type HeadscaleOptions = v.InferOutput<typeof headscaleOptionsSchema>;

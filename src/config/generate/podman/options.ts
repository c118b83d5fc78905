import * as v from 'valibot';
import { parseSubnet } from '../../../../schema/manifest/address.ts';
import { oneOrMany, subnetSchema } from '../../../../schema/manifest/values.ts';
import { nameSchema } from '../../../../schema/wire/ids.ts';

export const podmanOptionsSchema = v.strictObject({
  /** Where the networks of isolated apps get their subnets from. */
  pool: v.optional(
    v.pipe(
      subnetSchema,
      v.check((text) => (parseSubnet(text)?.bits ?? 32) <= 24, 'must be /24 or larger'),
    ),
    '10.160.0.0/12',
  ),
  /** The app that is the proxy of the machine; absent: the one that places `traefik/…`. */
  proxy: v.optional(nameSchema),
  /** Isolated apps that reach nothing outside of the machine. */
  internal: v.optional(oneOrMany(nameSchema), []),
});
export type PodmanOptions = v.InferOutput<typeof podmanOptionsSchema>;

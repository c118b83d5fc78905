import * as v from 'valibot';
import { parseSubnet } from '../../../../schema/manifest/address.ts';
import { oneOrMany, subnetSchema } from '../../../../schema/manifest/values.ts';
import { nameSchema } from '../../../../schema/wire/ids.ts';

export const podmanOptionsSchema = v.strictObject({
  pool: v.pipe(
    v.optional(
      v.pipe(
        subnetSchema,
        v.check((text) => (parseSubnet(text)?.bits ?? 32) <= 24, 'must be /24 or larger'),
      ),
      '10.160.0.0/12',
    ),
    v.description('Where the networks of isolated apps get their subnets from; /24 or larger.'),
  ),
  proxy: v.pipe(
    v.optional(nameSchema),
    v.description('The app that is the proxy of the machine. By default the one that places `traefik/…`.'),
  ),
  internal: v.pipe(
    v.optional(oneOrMany(nameSchema), []),
    v.description('Isolated apps that reach nothing outside of their machine.'),
  ),
});
export type PodmanOptions = v.InferOutput<typeof podmanOptionsSchema>;

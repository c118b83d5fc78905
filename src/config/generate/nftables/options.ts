import * as v from 'valibot';
import { addressSchema, oneOrMany, portSchema, subnetSchema } from '../../../../schema/manifest/values.ts';
import { nameSchema } from '../../../../schema/wire/ids.ts';
import { lineSchema } from '../shared/read-options.ts';

/** As the kernel takes names, with a `*` at the end for any that begin so. */
const interfaceSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}\*?$/, 'must be an interface such as eth0, or podman*'),
);

export const nftablesOptionsSchema = v.strictObject({
  admin_from: v.pipe(
    v.optional(oneOrMany(v.union([nameSchema, addressSchema, subnetSchema]))),
    v.description(
      'Networks, machines, addresses and subnets from which the machine is administered. By default all networks of the home; a machine that is in none must say it.',
    ),
  ),
  admin_ports: v.pipe(
    v.optional(oneOrMany(portSchema)),
    v.description('Ports for that. By default 22, and 8006 on a Proxmox VE host.'),
  ),
  dhcp: v.pipe(v.optional(v.boolean(), false), v.description('Whether the machine asks for its address.')),
  containers: v.pipe(
    v.optional(oneOrMany(interfaceSchema), ['podman*']),
    v.description('Interfaces of containers’ networks.'),
  ),
  tailnet: v.pipe(v.optional(interfaceSchema, 'tailscale0'), v.description('The interface of the tailnet.')),
  log: v.pipe(
    v.optional(v.boolean(), false),
    v.description('Whether the kernel tells of what is dropped, five times a minute at most.'),
  ),
  input: v.pipe(
    v.optional(v.array(lineSchema), []),
    v.description('Rules of nft for what comes to the machine, after all others.'),
  ),
  forward: v.pipe(
    v.optional(v.array(lineSchema), []),
    v.description('Rules of nft for what passes through it, after all others.'),
  ),
});
export type NftablesOptions = v.InferOutput<typeof nftablesOptionsSchema>;

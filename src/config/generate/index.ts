import { gatus } from './gatus.ts';
import type { Generator } from './generator.ts';
import { haproxy } from './haproxy/haproxy.ts';
import { homepage } from './homepage.ts';
import { hosts } from './hosts.ts';
import { pfsense } from './pfsense.ts';
import { podman } from './podman.ts';
import { proxmox } from './proxmox-hook.ts';
import { traefik } from './traefik.ts';
import { unbound } from './unbound.ts';
import { victorialogs } from './victorialogs.ts';

/** Every generator that comes with Writ. Adding one is a file and a line here. */
export const generators: readonly Generator[] = [
  gatus,
  haproxy,
  homepage,
  hosts,
  pfsense,
  podman,
  proxmox,
  traefik,
  unbound,
  victorialogs,
];

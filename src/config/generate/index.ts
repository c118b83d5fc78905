import type { Generator } from './generator.ts';
import { haproxy } from './haproxy/haproxy.ts';
import { hosts } from './hosts.ts';
import { pfsense } from './pfsense.ts';
import { podman } from './podman.ts';
import { postgres } from './postgres.ts';
import { proxmox } from './proxmox-hook.ts';
import { traefik } from './traefik.ts';
import { unbound } from './unbound.ts';

/** Every generator that comes with Writ. Adding one is a file and a line here. */
export const generators: readonly Generator[] = [
  haproxy,
  hosts,
  pfsense,
  podman,
  postgres,
  proxmox,
  traefik,
  unbound,
];

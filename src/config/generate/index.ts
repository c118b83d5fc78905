import { alertmanager } from './alertmanager.ts';
import type { Generator } from './generator.ts';
import { haproxy } from './haproxy/haproxy.ts';
import { hosts } from './hosts.ts';
import { ntfy } from './ntfy.ts';
import { pfsense } from './pfsense.ts';
import { podman } from './podman.ts';
import { proxmox } from './proxmox-hook.ts';
import { scrape } from './scrape.ts';
import { traefik } from './traefik.ts';
import { unbound } from './unbound.ts';
import { vmalert } from './vmalert.ts';

/** Every generator that comes with Writ. Adding one is a file and a line here. */
export const generators: readonly Generator[] = [
  alertmanager,
  haproxy,
  hosts,
  ntfy,
  pfsense,
  podman,
  proxmox,
  scrape,
  traefik,
  unbound,
  vmalert,
];

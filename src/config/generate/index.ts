import { alertmanager } from './alertmanager.ts';
import { authelia } from './authelia.ts';
import { certificates } from './certificates.ts';
import { gatus } from './gatus.ts';
import type { Generator } from './generator.ts';
import { grafana } from './grafana.ts';
import { haproxy } from './haproxy.ts';
import { headscale } from './headscale.ts';
import { homepage } from './homepage.ts';
import { hosts } from './hosts.ts';
import { lldap } from './lldap.ts';
import { nftables } from './nftables.ts';
import { ntfy } from './ntfy.ts';
import { pfsense } from './pfsense.ts';
import { podman } from './podman.ts';
import { postgres } from './postgres.ts';
import { proxmox } from './proxmox.ts';
import { router } from './router.ts';
import { scrape } from './scrape.ts';
import { traefik } from './traefik.ts';
import { unbound } from './unbound.ts';
import { victorialogs } from './victorialogs.ts';
import { vmalert } from './vmalert.ts';

/** Every generator that comes with Writ. Adding one is a file and a line here. */
export const generators: readonly Generator[] = [
  alertmanager,
  authelia,
  certificates,
  gatus,
  grafana,
  haproxy,
  headscale,
  homepage,
  hosts,
  lldap,
  nftables,
  ntfy,
  pfsense,
  podman,
  postgres,
  proxmox,
  router,
  scrape,
  traefik,
  unbound,
  victorialogs,
  vmalert,
];

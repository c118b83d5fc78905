import type { Generator } from './generator.ts';
import { hosts } from './hosts.ts';
import { podman } from './podman.ts';
import { traefik } from './traefik.ts';

/** Every generator that comes with Writ. Adding one is a file and a line here. */
export const generators: readonly Generator[] = [hosts, podman, traefik];

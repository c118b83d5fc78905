import type { Generator } from './generator.ts';
import { hosts } from './hosts.ts';
import { proxmox } from './proxmox-hook.ts';

/** Every generator that comes with Writ. Adding one is a file and a line here. */
export const generators: readonly Generator[] = [hosts, proxmox];

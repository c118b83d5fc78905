import type { Generator } from './generator.ts';
import { haproxy } from './haproxy/haproxy.ts';
import { hosts } from './hosts.ts';

/** Every generator that comes with Writ. Adding one is a file and a line here. */
export const generators: readonly Generator[] = [haproxy, hosts];

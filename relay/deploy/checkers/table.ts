import type { Checker } from './checker.ts';
import { haproxy } from './haproxy.ts';
import { headscale } from './headscale.ts';
import { quadlet } from './quadlet.ts';
import { unbound } from './unbound.ts';

/** Every program that judges files before they are in force; another one is a file of its own and a line here. */
export const checkers: readonly Checker[] = [quadlet, haproxy, unbound, headscale];

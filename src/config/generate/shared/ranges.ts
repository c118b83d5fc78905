import { own } from '../../../../schema/wire/record.ts';
import { machineOf } from '../../compile/routes.ts';
import type { Home } from '../../home.ts';

/**
 * The address or subnet at home that a name of `from` stands for. An address on the tailnet is none: who gets which, its
 * controller on the public machine says.
 */
export function rangeOf(home: Home, name: string): string | undefined {
  if (/^[0-9]/.test(name)) return name;
  return own(home.networks, name)?.subnet ?? machineOf(home, name)?.address;
}

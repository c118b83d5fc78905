import { type Lock, locksConflict } from '../../schema/actions/action.ts';
import { actionOf } from '../../schema/actions/index.ts';
import type { House } from '../../schema/trust/document.ts';
import { machineOfTarget } from '../../schema/wire/ids.ts';

/** What a step of this house holds while it runs. What the house does not know any more holds the whole host. */
export function locksOfStep(house: House, relay: string, action: string, target: string): readonly Lock[] {
  const known = actionOf(action);
  const machine = machineOfTarget(target);
  const inHouse = Object.hasOwn(house.hosts, machine) || Object.hasOwn(house.guests, machine);
  if (known === undefined || !inHouse) return [{ on: `host:${relay}`, mode: 'exclusive' }];
  return known.locksOf(house, target);
}

export const anyConflict = (a: readonly Lock[], b: readonly Lock[]): boolean =>
  a.some((lock) => b.some((other) => locksConflict(lock, other)));

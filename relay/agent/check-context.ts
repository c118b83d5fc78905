import type { House } from '../../schema/trust/document.ts';
import { machineOfTarget } from '../../schema/wire/ids.ts';
import { own } from '../../schema/wire/record.ts';
import type { ActionPorts, CheckContext } from '../actions/action.ts';

/** What an action is called with, for a target in the house of one trust document. */
export function contextOf(given: {
  readonly relay: string;
  readonly house: House;
  readonly target: string;
  readonly params?: Readonly<Record<string, unknown>> | null;
  readonly paths?: readonly string[];
  readonly recipients?: readonly string[] | undefined;
  readonly ports: ActionPorts;
  readonly signal: AbortSignal;
}): CheckContext {
  const { house } = given;
  const machine = machineOfTarget(given.target);
  return {
    ...given,
    params: given.params ?? {},
    paths: given.paths ?? [],
    recipients: given.recipients ?? [],
    guest: own(house.guests, machine) ?? null,
    host: own(house.hosts, machine) ?? null,
  };
}

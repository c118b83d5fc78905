import type { House } from '../../schema/trust/document.ts';
import { readCommandName } from '../../schema/wire/ids.ts';

/** How to call a host, guest or command of an app in a sentence: "the tower", else its name; "reindex of wiki on websvcs". */
export function titleOf(house: House, name: string): string {
  if (Object.hasOwn(house.hosts, name)) return house.hosts[name]?.title ?? name;
  if (Object.hasOwn(house.guests, name)) return house.guests[name]?.title ?? name;
  const { machine, app, command } = readCommandName(name) ?? {};
  return machine === undefined ? name : `${command} of ${app} on ${titleOf(house, machine)}`;
}

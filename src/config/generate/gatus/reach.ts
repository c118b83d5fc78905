import { canonicalV4, contains, parseSubnet } from '../../../../schema/manifest/address.ts';
import { own } from '../../../../schema/wire/record.ts';
import { machineOf } from '../../compile/routes.ts';
import type { Home, Instance, Route } from '../../home.ts';
import { rangeOf } from '../shared/ranges.ts';
import { addressOf, reachedFrom } from '../shared/reached.ts';

/** Whether who asks from a machine at home, without signing in, is turned away from a route. */
export function refuses(home: Home, { access: name }: Route, from: string): boolean {
  if (name === undefined) return false;
  const access = own(home.access, name);
  // Told where routes are read.
  if (access === undefined) return true;
  const isOpen = access.policy === 'bypass' && access.groups.length === 0;
  return !isOpen || (access.from.length > 0 && !isAmong(home, access.from, from));
}

/**
 * Where Gatus may ask an app at a port: by the name of its container where it uses the app, else at the machine's address
 * where the port is published to where Gatus is. Undefined where it is not let in.
 */
export function wayIn(home: Home, gatus: Instance, to: Instance, port: number): string | undefined {
  const { app, target } = to;
  const isUsed = home.flows.some(
    (flow) =>
      flow.from.app === gatus.app &&
      flow.from.target === gatus.target &&
      flow.to.app === app &&
      flow.to.target === target &&
      (flow.port === undefined || flow.port === port),
  );
  if (isUsed) return reachedFrom(home, gatus.target, to);
  const isPublished = home.apps[app]!.file.ports.some(
    (one) =>
      one.port === port &&
      one.proto === 'tcp' &&
      (one.from === undefined || isAmong(home, one.from, gatus.target)),
  );
  return isPublished ? addressOf(home, target) : undefined;
}

/** Whether a machine's address is among networks, machines, addresses and subnets. */
function isAmong(home: Home, from: readonly string[], machine: string): boolean {
  const text = machineOf(home, machine)?.address;
  const address = text === undefined ? null : canonicalV4(text);
  return from.some((name) => {
    if (name === machine) return true;
    if (address === null) return false;
    const range = rangeOf(home, name);
    if (range === undefined) return false;
    return range.includes('/') ? contains(parseSubnet(range)!, address) : canonicalV4(range) === address;
  });
}

import { readUnits } from '../../../../schema/quadlet/unit.ts';
import { machineOf } from '../../compile/routes.ts';
import { unitFileOf } from '../../compile/unit-file.ts';
import { upstreamHost } from '../../compile/upstream.ts';
import type { Home, Instance } from '../../home.ts';

type Place = { readonly app: string; readonly target: string };

/**
 * Where a container on one machine reaches an app: by the name of its container beside it, else at its machine's
 * address at home or, where it has none, on the internet. Undefined where nothing says it.
 */
export function reachedFrom(home: Home, from: string, to: Instance): string | undefined {
  const machine = machineOf(home, to.target);
  if (machine === undefined) return undefined;
  if (from !== to.target) return addressOf(home, to.target);
  const way = {
    app: to.app,
    units: readUnits(to.units.map(unitFileOf)),
    machine,
    proxy: from,
    known: true,
    portPlace: to.place,
  };
  return upstreamHost(way, {}, to.place, () => {}) ?? machine.address;
}

/** The address of a machine at home or, where it has none, on the internet. */
export function addressOf(home: Home, name: string): string | undefined {
  const machine = machineOf(home, name);
  return machine?.address ?? (machine?.kind === 'host' ? machine.public_address : undefined);
}

export const instanceAt = (home: Home, { app, target }: Place): Instance | undefined =>
  home.instances.find((one) => one.app === app && one.target === target);

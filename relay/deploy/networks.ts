import { resourceName } from '../../schema/quadlet/unit.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine, MachineReason } from '../machine/machine.ts';
import { readInstalledUnits } from './installed-units.ts';

/** A network that Podman has, and the service that makes it. */
export type Network = { readonly service: string; readonly name: string };

/** The names that Podman gives the networks of these services, by the unit files of a part that is in force. */
export async function networkNames(
  machine: Machine,
  part: ReleasePart,
  services: readonly string[],
): Promise<Result<Network[], MachineReason>> {
  if (services.length === 0) return ok([]);
  const units = await readInstalledUnits(machine, part, new Set(services));
  if (!units.ok) return units;
  return ok(
    [...units.value]
      .filter(([, { name }]) => name.kind === 'network')
      .map(([service, unit]) => ({ service, name: resourceName(unit) ?? `systemd-${unit.name.base}` })),
  );
}

/**
 * Takes networks away whose services are stopped: editing a network's unit changes nothing until the network itself is
 * gone (seen with Podman 5.4). One that is not there is no fault.
 */
export async function removeNetworks(
  machine: Machine,
  networks: readonly Network[],
): Promise<Result<true, MachineReason | 'network_in_use'>> {
  for (const { name } of networks) {
    const ran = await machine.run(['podman', 'network', 'rm', '--', name], {
      timeoutMs: 60_000,
      maxBytes: 65_536,
    });
    if (!ran.ok) return ran;
    // 1: there is none of that name; 2: containers use it.
    if (ran.value.code > 1) {
      return refuse('network_in_use', new TextDecoder().decode(ran.value.stderr).trim().slice(0, 500));
    }
  }
  return ok(true);
}

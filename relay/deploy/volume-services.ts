import { volumeOf } from '../../schema/change/volume-paths.ts';
import { resourceName } from '../../schema/quadlet/unit.ts';
import { ok, type Result } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine, MachineReason } from '../machine/machine.ts';
import { readInstalledUnits } from './installed-units.ts';
import { unitsOf } from './units.ts';

/** The services that make the volumes in which these paths lie. */
export async function volumeServices(
  machine: Machine,
  part: ReleasePart,
  paths: readonly string[],
): Promise<Result<string[], MachineReason>> {
  const wanted = new Set(paths.map(volumeOf).filter((name) => name !== null));
  if (wanted.size === 0) return ok([]);
  const made = unitsOf(part).filter(({ files }) => files.some((name) => name.endsWith('.volume')));
  const units = await readInstalledUnits(machine, part, new Set(made.map(({ service }) => service)));
  if (!units.ok) return units;
  return ok(
    [...units.value]
      .filter(([, unit]) => wanted.has(resourceName(unit) ?? `systemd-${unit.name.base}`))
      .map(([service]) => service),
  );
}

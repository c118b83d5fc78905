import { readUnits, resourceName } from '../../schema/quadlet/unit.ts';
import { ok, type Result } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine, MachineReason } from '../machine/machine.ts';
import { blobPath } from './target-state.ts';

const maxUnitBytes = 1024 * 1024;

/** The names that Podman gives the networks of these services, by the unit files of a part that is kept. */
export async function networkNames(
  machine: Machine,
  part: ReleasePart,
  services: readonly string[],
): Promise<Result<{ service: string; name: string }[], MachineReason>> {
  const found: { service: string; name: string }[] = [];
  const units = part.apps.flatMap((app) => app.units);
  for (const service of services) {
    const names = units.find((unit) => unit.service === service)?.files ?? [];
    const files: { name: string; text: string; file: string }[] = [];
    for (const name of names) {
      const file = part.files.find(({ path }) => path === `/etc/containers/systemd/${name}`);
      if (file === undefined) continue;
      const bytes = await machine.read(blobPath(file.digest), maxUnitBytes);
      if (!bytes.ok) return bytes;
      files.push({ name, text: new TextDecoder().decode(bytes.value), file: name });
    }
    const unit = readUnits(files).find(({ name }) => name.kind === 'network');
    if (unit !== undefined) found.push({ service, name: resourceName(unit) ?? `systemd-${unit.name.base}` });
  }
  return ok(found);
}

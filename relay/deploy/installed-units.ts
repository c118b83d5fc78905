import { readUnits, type Unit } from '../../schema/quadlet/unit.ts';
import { ok, type Result } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine, MachineReason } from '../machine/machine.ts';
import { blobPath } from './target-state.ts';
import { unitFilePaths, unitsOf } from './units.ts';

const maxBytes = 1024 * 1024;

/**
 * Reads the unit files of a part that make these services, in one look: from the blobs, or, where a file was there before
 * Writ and never had to be brought, from its place.
 */
export async function readInstalledUnits(
  machine: Machine,
  part: ReleasePart,
  services: ReadonlySet<string>,
): Promise<Result<ReadonlyMap<string, Unit>, MachineReason>> {
  const wanted = unitsOf(part).filter(({ service }) => services.has(service));
  const names = [...new Set(wanted.flatMap(({ files }) => files))];
  const files = names.flatMap((name) => {
    const paths = new Set(unitFilePaths(name));
    return part.files.filter(({ path }) => paths.has(path)).map((file) => ({ name, file }));
  });
  if (files.length === 0) return ok(new Map());
  const read = files.flatMap(({ file }) => [blobPath(file.digest), file.path]);
  const seen = await machine.look({ read, maxBytes, paths: [], owners: [], units: [] });
  if (!seen.ok) return seen;
  const texts = files.map(({ name }, index) => {
    const bytes = seen.value.read[2 * index] ?? seen.value.read[2 * index + 1];
    return { name, text: new TextDecoder().decode(bytes ?? new Uint8Array()), file: name };
  });
  const units = readUnits(texts);
  return ok(
    new Map(
      wanted.flatMap(({ service, files: own }) => {
        const unit = units.find(({ file }) => own.includes(file.name));
        return unit === undefined ? [] : [[service, unit]];
      }),
    ),
  );
}

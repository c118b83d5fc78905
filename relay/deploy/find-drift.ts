import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Drift } from '../../schema/wire/report.ts';
import type { Sight, UnitSight } from '../machine/machine.ts';
import { filledPath, isFilledIn } from './secrets/secrets-table.ts';
import type { Sights } from './sights.ts';
import { unitsOf } from './units.ts';

const byName = (a: Drift, b: Drift): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/**
 * What of a target is not as its part says, in the order of names; of each thing what weighs most.
 *
 * @param claimed files in clear that hold what would be filled in, and are left for now
 */
export function findDrift(
  part: ReleasePart,
  sights: Sights,
  units: readonly UnitSight[],
  claimed: readonly string[] = [],
): Drift[] {
  const nothing: Sight = { stat: null, digest: null };
  const sightOf = (path: string): Sight => sights.paths.get(path) ?? nothing;
  const files = part.files.flatMap((file): Drift[] => {
    const { stat, digest } = sightOf(file.path);
    const tell = (is: Drift['is']): Drift[] => [{ kind: 'file', name: file.path, is }];
    // Writ's own: those of another version are no fault.
    if (file.app === '') return [];
    if (stat === null) return tell('missing');
    if (isFilledIn(file)) {
      const isLink = stat.kind === 'link' && stat.to === filledPath(file.path);
      return isLink || (stat.kind === 'file' && claimed.includes(file.path)) ? [] : tell('changed');
    }
    // What was only seeded is the app's own.
    if (file.manage === 'seed') return [];
    if (stat.kind !== 'file' || digest !== file.digest) return tell('changed');
    if (stat.mode !== file.mode) return tell('mode');
    return sights.sameOwner(stat, file.owner) ? [] : tell('owner');
  });
  const dirs = part.apps.flatMap((app) =>
    app.dirs.flatMap(({ path, mode, owner }): Drift[] => {
      const { stat } = sightOf(path);
      const tell = (is: Drift['is']): Drift[] => [{ kind: 'file', name: path, is }];
      if (stat === null) return tell('missing');
      if (stat.kind !== 'folder') return tell('changed');
      if (stat.mode !== mode) return tell('mode');
      return sights.sameOwner(stat, owner) ? [] : tell('owner');
    }),
  );
  const kinds = new Map(unitsOf(part).map(({ service, kind }) => [service, kind]));
  const services = units.flatMap(({ name, load, active, ended }): Drift[] => {
    const tell = (is: Drift['is']): Drift[] => [{ kind: 'unit', name, is }];
    if (active === 'failed' || load === 'bad-setting' || load === 'error') return tell('failed');
    // What a timer starts does not run most of the time.
    if (kinds.get(name) !== 'run' || ended) return [];
    return active === 'inactive' || active === 'deactivating' ? tell('stopped') : [];
  });
  return [...files, ...dirs, ...services].sort(byName);
}

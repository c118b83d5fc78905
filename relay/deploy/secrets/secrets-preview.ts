import { changedSecrets } from '../../../schema/change/units.ts';
import type { ReleasePart } from '../../../schema/wire/release.ts';
import type { Op } from '../target-state.ts';
import { isFilledIn } from './secrets-table.ts';

/**
 * Files that are filled in otherwise in another part, as what they are before: a preview shows them with placeholders, so
 * that no program which judges them can tell a value.
 */
export function changedFilled(before: ReleasePart | undefined, after: ReleasePart): Op[] {
  const known = new Map((before?.files ?? []).map((file) => [file.path, file.digest]));
  const changed = after.apps.filter(
    (app) =>
      changedSecrets(
        before?.apps.find(({ name }) => name === app.name),
        app,
      ).length > 0,
  );
  const apps = new Set(changed.map(({ name }) => name));
  return after.files
    .filter((file) => isFilledIn(file) && (known.get(file.path) !== file.digest || apps.has(file.app)))
    .map(({ path, digest, mode, owner }) => ({ do: 'put', path, digest, mode, owner }));
}

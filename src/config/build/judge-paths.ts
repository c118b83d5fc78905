import { readVolumePlace } from '../../../schema/manifest/values.ts';
import { judgePath, reachesNever } from '../../../schema/trust/paths.ts';
import type { Placed } from '../compile/units.ts';
import { fault } from '../compile/units.ts';
import type { Finding, Place } from '../finding.ts';
import type { Home } from '../home.ts';
import { type Draft, prunedFolder } from './files.ts';

/**
 * Files and folders where no release may write, whatever trust grants. The release is made all the same, for it has
 * other uses than to be deployed: a relay would refuse the whole part.
 */
export function judgePaths(home: Home, placed: readonly Placed[], drafts: readonly Draft[]): Finding[] {
  const isManaged = (target: string): boolean => !Object.hasOwn(home.devices, target);
  const doubt = (target: string, path: string, place: Place): Finding[] =>
    isManaged(target) && judgePath([], path) === 'path_never'
      ? [
          {
            ...fault(
              place,
              'path_never',
              `no relay lets a release write ${path} on ${target}: it belongs to what decides who may do what there`,
              'It is to be put there by hand.',
            ),
            severity: 'warning',
          },
        ]
      : [];
  const emptied = ({ target, files }: Placed): Finding[] =>
    files.flatMap(({ to, prune, place }) => {
      const folder = prunedFolder(to);
      if (!prune || !isManaged(target) || readVolumePlace(to) !== null || !reachesNever(folder || '/'))
        return [];
      const message = `no relay lets a release remove what else is in ${folder || '/'} on ${target}`;
      const hint = 'Files that are kept free of others go into a folder of their own.';
      // A release has no name for the outermost folder.
      return [
        { ...fault(place, 'path_never', message, hint), severity: folder === '' ? 'error' : 'warning' },
      ];
    });
  return [
    ...placed.flatMap(emptied),
    ...drafts.flatMap(({ target, path, place }) => doubt(target, path, place)),
    ...placed.flatMap(({ target, source }) =>
      source.file.dirs.flatMap(({ path }, index) => doubt(target, path, source.yaml.place(['dirs', index]))),
    ),
  ];
}

import { judgePath } from '../../../schema/trust/paths.ts';
import type { Placed } from '../compile/units.ts';
import { fault } from '../compile/units.ts';
import type { Finding, Place } from '../finding.ts';
import type { Home } from '../home.ts';
import type { Draft } from './files.ts';

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
  return [
    ...drafts.flatMap(({ target, path, place }) => doubt(target, path, place)),
    ...placed.flatMap(({ target, source }) =>
      source.file.dirs.flatMap(({ path }, index) => doubt(target, path, source.yaml.place(['dirs', index]))),
    ),
  ];
}

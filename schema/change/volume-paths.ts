import type { ReleasePart } from '../wire/release.ts';

/** Where root's Podman keeps the bytes of volumes (containers.conf(5), volume_path). */
const volumeFolder = '/var/lib/containers/storage/volumes';
const inVolume = new RegExp(`^${volumeFolder}/([^/]+)/_data/`);

/** The volume's name in Podman, of a path in one; null for others. */
export const volumeOf = (path: string): string | null => inVolume.exec(path)?.[1] ?? null;

/** The part with the places in volumes (`volume:NAME/PATH`) as paths of the machine. */
export function withVolumePaths(part: ReleasePart): ReleasePart {
  return {
    ...part,
    files: part.files.map((file) => {
      const place = /^volume:[^/]+\/(.+)$/.exec(file.path)?.[1];
      if (place === undefined || file.volume === undefined) return file;
      return { ...file, path: `${volumeFolder}/${file.volume}/_data/${place}` };
    }),
  };
}

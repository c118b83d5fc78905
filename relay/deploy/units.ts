import type { ReleasePart, ReleaseUnit } from '../../schema/wire/release.ts';

const quadletFolder = '/etc/containers/systemd';
const systemdFolder = '/etc/systemd/system';

/** Whether systemd reads the file, itself or by Quadlet's generator. */
export const isUnitPath = (path: string): boolean =>
  path.startsWith(`${quadletFolder}/`) || path.startsWith(`${systemdFolder}/`);
export const isQuadletPath = (path: string): boolean => path.startsWith(`${quadletFolder}/`);

/** Where a unit file of a part lies, by its name. */
export const unitFilePaths = (name: string): readonly string[] => [
  `${quadletFolder}/${name}`,
  `${systemdFolder}/${name}`,
];

/** `worker@.service`: no unit, but what its instances are made of. */
export const isTemplate = (service: string): boolean => /@\.[a-z]+$/.test(service);

/** Whether the unit's own file is systemd's: `[Install]` of such a one is applied by `systemctl enable`. */
export const isNative = ({ service, files }: ReleaseUnit): boolean =>
  files.includes(service) && !isTemplate(service);

export const unitsOf = (part: ReleasePart | undefined): readonly ReleaseUnit[] =>
  (part?.apps ?? []).flatMap(({ units }) => units);

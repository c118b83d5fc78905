/**
 * How the generator takes a value apart: `last` one value, the last assignment; `each` one value a line; `words` and
 * `list` as splitWords has them; `pairs` words of the form name=value.
 */
export type Reading = 'last' | 'each' | 'words' | 'list' | 'pairs';

const readings: Readonly<Record<Exclude<Reading, 'last'>, string>> = {
  each:
    'AddHost ContainersConfModule DNS DNSOption DNSSearch ExposeHostPort GroupAdd Network NetworkAlias ' +
    'PublishPort Tmpfs Ulimit Volume Subnet Gateway IPRange Build.ImageTag',
  words: 'EnvironmentFile Exec GlobalArgs Mask Mount PodmanArgs Secret Unmask',
  list:
    'AddCapability AddDevice DropCapability GIDMap LogOpt RemapGid RemapUid Sysctl UIDMap ' +
    'Kube.AutoUpdate Kube.ConfigMap',
  pairs: 'Annotation BuildArg Environment Label Network.Options',
};

const table: ReadonlyMap<string, Reading> = new Map(
  Object.entries(readings).flatMap(([reading, keys]) =>
    keys.split(' ').map((key) => [key, reading as Reading] as const),
  ),
);

/** How a key of one of Podman's own sections is read. */
export const readingOf = (section: string, key: string): Reading =>
  table.get(`${section}.${key}`) ?? table.get(key) ?? 'last';

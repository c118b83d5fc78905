/**
 * The keys that Podman's generator takes in each section, under the first version that has them. Read from the
 * sources of every release from 4.4.0 to 5.8.2; no key was ever taken away. Sections are the generator's own ones;
 * those of systemd stand in systemd-keys.ts.
 */
const keys: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Container: {
    '4.4':
      'AddCapability AddDevice Annotation ContainerName DropCapability Environment EnvironmentFile ' +
      'EnvironmentHost Exec ExposeHostPort Group Image Label Network NoNewPrivileges Notify PodmanArgs ' +
      'PublishPort ReadOnly RemapGid RemapUid RemapUidSize RemapUsers RunInit SeccompProfile Timezone ' +
      'User VolatileTmp Volume',
    '4.5':
      'HealthCmd HealthInterval HealthOnFailure HealthRetries HealthStartPeriod HealthStartupCmd ' +
      'HealthStartupInterval HealthStartupRetries HealthStartupSuccess HealthStartupTimeout ' +
      'HealthTimeout IP IP6 LogDriver Mount Rootfs Secret SecurityLabelDisable SecurityLabelFileType ' +
      'SecurityLabelLevel SecurityLabelType Tmpfs UserNS',
    '4.6': 'AutoUpdate HostName Mask Pull SecurityLabelNested Sysctl Unmask WorkingDir',
    '4.7': 'DNS DNSOption DNSSearch PidsLimit ShmSize Ulimit',
    '4.8': 'ContainersConfModule GIDMap GlobalArgs ReadOnlyTmpfs SubGIDMap SubUIDMap UIDMap',
    '5.0': 'Entrypoint Pod StopTimeout',
    '5.1': 'GroupAdd',
    '5.2': 'LogOpt NetworkAlias StopSignal',
    '5.3':
      'AddHost CgroupsMode HealthLogDestination HealthMaxLogCount HealthMaxLogSize ServiceName ' +
      'StartWithPod',
    '5.5': 'Memory ReloadCmd ReloadSignal Retry RetryDelay',
    '5.7': 'HttpProxy',
    '5.8': 'AppArmor',
  },
  Volume: {
    '4.4': 'Copy Device Group Label Options Type User',
    '4.6': 'PodmanArgs',
    '4.7': 'VolumeName',
    '4.8': 'ContainersConfModule Driver GlobalArgs Image',
    '5.3': 'ServiceName',
  },
  Network: {
    '4.4': 'DisableDNS Driver Gateway IPAMDriver IPRange IPv6 Internal Label Options Subnet',
    '4.6': 'PodmanArgs',
    '4.7': 'DNS NetworkName',
    '4.8': 'ContainersConfModule GlobalArgs',
    '5.3': 'ServiceName',
    '5.5': 'NetworkDeleteOnStop',
    '5.6': 'InterfaceName',
  },
  Pod: {
    '5.0': 'ContainersConfModule GlobalArgs Network PodName PodmanArgs PublishPort Volume',
    '5.2': 'NetworkAlias',
    '5.3':
      'AddHost DNS DNSOption DNSSearch GIDMap IP IP6 RemapGid RemapUid RemapUidSize RemapUsers ' +
      'ServiceName SubGIDMap SubUIDMap UIDMap UserNS',
    '5.4': 'ShmSize',
    '5.5': 'HostName',
    '5.6': 'ExitPolicy Label',
    '5.7': 'StopTimeout',
  },
  Kube: {
    '4.4': 'ConfigMap Network PublishPort RemapGid RemapUid RemapUidSize RemapUsers Yaml',
    '4.5': 'LogDriver UserNS',
    '4.6': 'ExitCodePropagation PodmanArgs',
    '4.7': 'AutoUpdate SetWorkingDirectory',
    '4.8': 'ContainersConfModule GlobalArgs KubeDownForce',
    '5.2': 'LogOpt',
    '5.3': 'ServiceName',
  },
  Image: {
    '4.8':
      'AllTags Arch AuthFile CertDir ContainersConfModule Creds DecryptionKey GlobalArgs Image ' +
      'ImageTag OS PodmanArgs TLSVerify Variant',
    '5.3': 'ServiceName',
    '5.5': 'Retry RetryDelay',
    '5.6': 'Policy',
  },
  Build: {
    '5.2':
      'Annotation Arch AuthFile ContainersConfModule DNS DNSOption DNSSearch Environment File ForceRM ' +
      'GlobalArgs GroupAdd ImageTag Label Network PodmanArgs Pull Secret SetWorkingDirectory TLSVerify ' +
      'Target Variant Volume',
    '5.3': 'ServiceName',
    '5.5': 'Retry RetryDelay',
    '5.7': 'BuildArg IgnoreFile',
  },
  Artifact: {
    '5.7':
      'Artifact AuthFile CertDir ContainersConfModule Creds DecryptionKey GlobalArgs PodmanArgs Quiet ' +
      'Retry RetryDelay ServiceName TLSVerify',
  },
  Quadlet: {
    '5.3': 'DefaultDependencies',
  },
};

export type QuadletKey = { readonly section: string; readonly key: string; readonly since: string };

/** Every key of every section, with the version that brought it. */
export const quadletKeys: readonly QuadletKey[] = Object.entries(keys).flatMap(([section, versions]) =>
  Object.entries(versions).flatMap(([since, names]) =>
    names.split(' ').map((key) => ({ section, key, since })),
  ),
);

const bySection: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map(
  Object.keys(keys).map((section) => [
    section,
    new Map(quadletKeys.filter((one) => one.section === section).map(({ key, since }) => [key, since])),
  ]),
);

/** The version that brought a key; undefined where no version has it. */
export const sinceVersion = (section: string, key: string): string | undefined =>
  bySection.get(section)?.get(key);

/** The keys of a section that a version takes: `podmanKeys('Container', '5.4')`. */
export const podmanKeys = (section: string, podman: string): string[] =>
  [...(bySection.get(section) ?? [])].filter(([, since]) => isAtLeast(podman, since)).map(([key]) => key);

/** Whether a version is that one or newer; `5.4.2` is at least `5.4`. */
export function isAtLeast(version: string, wanted: string): boolean {
  const own = version.split('.').map(Number);
  for (const [index, part] of wanted.split('.').map(Number).entries()) {
    if ((own[index] ?? 0) !== part) return (own[index] ?? 0) > part;
  }
  return true;
}

const quadletKinds = ['container', 'volume', 'network', 'pod', 'kube', 'image', 'build', 'artifact'] as const;
export type QuadletKind = (typeof quadletKinds)[number];
export type UnitKind = QuadletKind | 'systemd';

export type UnitName = {
  /** `grafana.container`, also for its drop-ins. */
  readonly unit: string;
  /** `grafana`. */
  readonly base: string;
  readonly kind: UnitKind;
  /** What stands behind the last dot: `container`, `timer`. */
  readonly suffix: string;
  readonly dropIn: boolean;
  /** Of `name@instance`; the instance is empty for the template itself. */
  readonly template?: { readonly prefix: string; readonly instance: string };
};

const isQuadletKind = (suffix: string): suffix is QuadletKind =>
  (quadletKinds as readonly string[]).includes(suffix);

/** Reads the path of a unit file in its folder: `grafana.container.d/10-more.conf` is a drop-in of `grafana.container`. */
export function readUnitName(path: string): UnitName {
  const folders = path.split('/');
  const dropIn = folders.length > 1 && folders.at(-2)!.endsWith('.d');
  const unit = dropIn ? folders.at(-2)!.slice(0, -2) : folders.at(-1)!;
  const dot = unit.lastIndexOf('.');
  const suffix = unit.slice(dot + 1);
  const base = dot > 0 ? unit.slice(0, dot) : unit;
  const at = base.indexOf('@');
  return {
    unit,
    base,
    kind: isQuadletKind(suffix) ? suffix : 'systemd',
    suffix,
    dropIn,
    ...(at >= 0 && { template: { prefix: base.slice(0, at), instance: base.slice(at + 1) } }),
  };
}

const systemdSuffixes = /^(service|socket|mount|automount|swap|target|timer|path|slice|scope)$/;

/** Whether Podman or systemd reads the file as a unit or a drop-in; other files may stand beside units. */
export function isUnitFile(path: string): boolean {
  const { kind, suffix } = readUnitName(path);
  return kind !== 'systemd' || systemdSuffixes.test(suffix);
}

/** Whether systemd runs it, so that it is started and stopped: no volumes and networks, no templates (`x@`). */
export const isRun = ({ kind, base, dropIn }: UnitName): boolean =>
  !dropIn && !base.endsWith('@') && /^(container|pod|kube|systemd)$/.test(kind);

/** The section that is a kind's own: `Container`. */
export const sectionOf = (kind: QuadletKind): string => kind[0]!.toUpperCase() + kind.slice(1);

/** Where a unit file goes on its machine. */
export const unitPath = (path: string): string =>
  `${readUnitName(path).kind === 'systemd' ? '/etc/systemd/system' : '/etc/containers/systemd'}/${path}`;

/** The service's name without `.service`, unless ServiceName says another. */
export const plainServiceName = (base: string, kind: QuadletKind): string =>
  kind === 'container' || kind === 'kube' ? base : `${base}-${kind}`;

/**
 * The folders of drop-ins that apply to a unit, the closest first: for `web-app@a.container` its own, the
 * template's, then those of the cut names and of the whole kind.
 */
export function dropInFolders(unit: string): string[] {
  const { base, suffix, template } = readUnitName(unit);
  const folders = [`${suffix}.d`];
  const prefix = template?.prefix ?? base;
  const parts = prefix.split('-');
  for (let count = 1; count < parts.length; count += 1) {
    const cut = `${parts.slice(0, count).join('-')}-`;
    folders.push(`${cut}.${suffix}.d`);
    if (template !== undefined) folders.push(`${cut}@.${suffix}.d`);
  }
  if (template !== undefined && template.instance !== '') folders.push(`${prefix}@.${suffix}.d`);
  folders.push(`${unit}.d`);
  return folders.reverse();
}

/** A text with the specifiers filled in that the files themselves answer; undefined where systemd alone can. */
export function expandSpecifiers(text: string, name: UnitName, service: string): string | undefined {
  const { template } = name;
  const prefix = template?.prefix ?? service;
  const values: Readonly<Record<string, string | undefined>> = {
    '%': '%',
    N: service,
    n: `${service}.service`,
    p: prefix,
    j: prefix.slice(prefix.lastIndexOf('-') + 1),
    i: template === undefined ? '' : template.instance || undefined,
    t: '/run',
    S: '/var/lib',
    C: '/var/cache',
    L: '/var/log',
    E: '/etc',
    h: '/root',
  };
  let unknown = false;
  const expanded = text.replaceAll(/%(.)/gs, (whole, letter: string) => {
    // systemd leaves what it does not know as it is.
    if (!/[a-zA-Z%]/.test(letter)) return whole;
    const value = Object.hasOwn(values, letter) ? values[letter] : undefined;
    if (value === undefined) unknown = true;
    return value ?? whole;
  });
  return unknown ? undefined : expanded;
}

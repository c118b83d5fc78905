import { isRun, plainServiceName, readUnitName } from '../../../schema/quadlet/names.ts';
import { lastValue } from '../../../schema/quadlet/unit.ts';
import type { ReleaseFile, ReleaseUnit } from '../../../schema/wire/release.ts';
import type { Placed } from '../compile/units.ts';
import { byText } from '../repo.ts';

/** The unit files of a machine, by what they belong to. */
export type UnitFiles = {
  /** Drop-ins by their unit's name, whichever app brings them. */
  readonly dropIns: ReadonlyMap<string, readonly string[]>;
  /** Networks and volumes by the app that brings them. */
  readonly resources: ReadonlyMap<string, readonly string[]>;
};

/** Sorts the unit files of a machine's part. */
export function unitFilesOf(files: readonly ReleaseFile[]): UnitFiles {
  const dropIns = new Map<string, string[]>();
  const resources = new Map<string, string[]>();
  const put = (map: Map<string, string[]>, key: string, name: string): void => {
    const known = map.get(key);
    if (known === undefined) map.set(key, [name]);
    else known.push(name);
  };
  for (const { path, kind, app } of files) {
    if (kind !== 'unit') continue;
    const name = path.replace(/^\/etc\/(containers\/systemd|systemd\/system)\//, '');
    const at = name.indexOf('.d/');
    if (at >= 0) put(dropIns, name.slice(0, at), name);
    else if (/^[^/]+\.(network|volume)$/.test(name)) put(resources, app, name);
  }
  return { dropIns, resources };
}

/** The services of an app, each with the unit files that make it; drop-ins belong to their unit's. */
export function unitsOf(
  app: string,
  units: Placed['parsed'],
  service: string | undefined,
  { dropIns, resources }: UnitFiles,
): ReleaseUnit[] {
  const found = new Map<string, { files: string[]; kind: ReleaseUnit['kind'] }>();
  const triggered = new Set(units.flatMap(triggeredBy));
  const add = (made: string, kind: ReleaseUnit['kind'], file?: string): void => {
    const own = file === undefined ? [] : [file, ...(dropIns.get(file) ?? [])];
    // A service that Quadlet makes may have drop-ins of systemd's, too.
    found.set(made, { files: [...own, ...(made === file ? [] : (dropIns.get(made) ?? []))], kind });
  };
  for (const { name, file, service: made } of units) {
    add(made, triggered.has(made) ? 'triggered' : isRun(name) ? 'run' : 'resource', file.name);
  }
  for (const name of resources.get(app) ?? []) {
    if (units.some(({ file }) => file.name === name)) continue;
    const { base, kind } = readUnitName(name);
    add(`${plainServiceName(base, kind as 'network')}.service`, 'resource', name);
  }
  if (service !== undefined && !found.has(service)) add(service, 'run');
  return [...found]
    .sort(([a], [b]) => byText(a, b))
    .map(([name, { files: own, kind }]) => ({ service: name, files: [...new Set(own)].sort(byText), kind }));
}

const triggers: Readonly<Record<string, readonly [section: string, key: string]>> = {
  timer: ['Timer', 'Unit'],
  path: ['Path', 'Unit'],
  socket: ['Socket', 'Service'],
};

/** The service that a timer, a path or a socket starts. */
export function triggeredBy(unit: Placed['parsed'][number]): string[] {
  const trigger = triggers[unit.name.suffix];
  if (trigger === undefined) return [];
  // A socket that accepts by itself starts an instance for each connection (systemd.socket(5), Accept=).
  const accepts = /^(1|yes|y|true|t|on)$/i.test(lastValue(unit, 'Socket', 'Accept') ?? '');
  return [lastValue(unit, ...trigger) ?? `${unit.name.base}${accepts ? '@' : ''}.service`];
}

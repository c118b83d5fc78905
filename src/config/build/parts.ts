import { isRun, plainServiceName, readUnitName } from '../../../schema/quadlet/names.ts';
import { lastValue } from '../../../schema/quadlet/unit.ts';
import type {
  ReleaseApp,
  ReleaseFile,
  ReleaseManifest,
  ReleasePart,
  ReleaseUnit,
} from '../../../schema/wire/release.ts';
import type { Placed } from '../compile/units.ts';
import type { Home } from '../home.ts';
import { byText } from '../repo.ts';

/** `472` → `472:472`, `root` → `root:root`. */
export const ownerText = (owner: string | number): string => {
  const text = String(owner);
  return text.includes(':') ? text : `${text}:${text}`;
};

/** The parts of a release from what is placed and its files. Sorted throughout. */
export function makeParts(
  home: Home,
  placed: readonly Placed[],
  files: readonly (ReleaseFile & { target: string })[],
  secretDigests: ReadonlyMap<string, string>,
): ReleasePart[] {
  const filesOf = new Map<string, ReleaseFile[]>();
  for (const { target, ...file } of files) filesOf.set(target, [...(filesOf.get(target) ?? []), file]);
  for (const [target, list] of filesOf)
    filesOf.set(
      target,
      list.sort((a, b) => byText(a.path, b.path)),
    );
  const unitFiles = new Map([...filesOf].map(([target, list]) => [target, unitFilesOf(list)]));
  const targets = [...new Set(placed.map(({ target }) => target))].sort(byText);
  const appsOf = new Map<string, ReleaseApp[]>();
  for (const one of placed)
    appsOf.set(one.target, [
      ...(appsOf.get(one.target) ?? []),
      makeApp(home, one, unitFiles.get(one.target) ?? unitFilesOf([]), secretDigests),
    ]);
  return targets.map((target) => ({
    target,
    relay: home.guests[target]?.host ?? target,
    apps: appsOf.get(target)!,
    files: filesOf.get(target) ?? [],
  }));
}

function makeApp(
  home: Home,
  { app, target, source, parsed, files, secrets }: Placed,
  unitFiles: UnitFiles,
  digests: ReadonlyMap<string, string>,
): ReleaseApp {
  const { file } = source;
  const derived = Array.isArray(file.secrets) ? {} : file.secrets;
  const route = home.routes.find((one) => one.app === app && one.target === target);
  const port = file.health?.port ?? route?.upstream?.port;
  return {
    name: app,
    units: unitsOf(app, parsed, file.service, unitFiles),
    secrets: secrets.map((name) => {
      const made = Object.hasOwn(derived, name) ? derived[name] : undefined;
      const digest = digests.get(`${target}/${name}`);
      return {
        name,
        ...(digest !== undefined && { digest }),
        ...(made !== undefined &&
          made !== null && {
            derived: {
              from: made.from,
              as: made.as,
              ...(made.pattern !== undefined && { pattern: made.pattern }),
            },
          }),
      };
    }),
    after: [
      ...new Set(
        home.flows
          .filter(
            (flow) =>
              flow.after && flow.from.app === app && flow.from.target === target && flow.to.target === target,
          )
          .map((flow) => flow.to.app),
      ),
    ].sort(byText),
    ...(file.health !== undefined &&
      port !== undefined && {
        health: {
          scheme: file.health.scheme,
          port,
          path: file.health.path ?? '',
          status: file.health.status,
          within: file.health.within,
        },
      }),
    dirs: file.dirs
      .map(({ path, mode, owner }) => ({ path, mode, owner: ownerText(owner) }))
      .sort((a, b) => byText(a.path, b.path)),
    prune: [
      ...new Set(
        files
          .filter(({ prune }) => prune)
          .map(({ to }) => (to.endsWith('/') ? to.slice(0, -1) : to.slice(0, to.lastIndexOf('/')))),
      ),
    ].sort(byText),
    ports: file.ports.map(({ port: number, proto, from }) => ({
      port: number,
      proto,
      ...(from !== undefined && { from: [...from].sort(byText) }),
    })),
    certs: file.certs.map(({ owner, ...cert }) => ({ ...cert, owner: ownerText(owner) })),
    commands: Object.keys(file.commands)
      .sort(byText)
      .map((name) => {
        const { exec, container, timeout } = file.commands[name]!;
        return { name, exec, timeout, ...(container !== undefined && { container }) };
      }),
    ...(file.backup !== undefined && { backup: file.backup }),
  };
}

/** The services of an app, each with the unit files that make it; drop-ins belong to their unit's. */
function unitsOf(
  app: string,
  units: Placed['parsed'],
  service: string | undefined,
  { dropIns, resources }: UnitFiles,
): ReleaseUnit[] {
  const found = new Map<string, { files: string[]; kind: ReleaseUnit['kind'] }>();
  const add = (made: string, kind: ReleaseUnit['kind'], file?: string): void => {
    const own = file === undefined ? [] : [file, ...(dropIns.get(file) ?? [])];
    // A service that Quadlet makes may have drop-ins of systemd's, too.
    found.set(made, { files: [...own, ...(made === file ? [] : (dropIns.get(made) ?? []))], kind });
  };
  const triggered = new Set(units.flatMap(triggeredBy));
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
function triggeredBy(unit: Placed['parsed'][number]): string[] {
  const trigger = triggers[unit.name.suffix];
  if (trigger === undefined) return [];
  return [lastValue(unit, ...trigger) ?? `${unit.name.base}.service`];
}

type UnitFiles = {
  /** Drop-ins by their unit's name, whichever app brings them. */
  readonly dropIns: ReadonlyMap<string, readonly string[]>;
  /** Networks and volumes by the app that brings them. */
  readonly resources: ReadonlyMap<string, readonly string[]>;
};

function unitFilesOf(files: readonly ReleaseFile[]): UnitFiles {
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

/** What the home offers, for telling two releases apart in words. */
export function makeFacts(home: Home): ReleaseManifest['facts'] {
  return {
    routes: home.routes
      .flatMap((route) =>
        route.hosts.map((host) => ({
          host,
          app: route.app,
          target: route.target,
          public: route.public,
          ...(route.access !== undefined && { access: route.access }),
          ...(route.when !== undefined && { when: JSON.stringify(route.when) }),
        })),
      )
      .sort(
        (a, b) =>
          byText(a.host, b.host) ||
          byText(a.app, b.app) ||
          byText(a.target, b.target) ||
          byText(a.when ?? '', b.when ?? ''),
      ),
    names: home.names.map(({ name, address, public: open }) => ({
      name,
      ...(address !== undefined && { address }),
      public: open,
    })),
    access: Object.values(home.access).map(({ name, policy, groups, from }) => ({
      name,
      policy,
      groups: [...groups].sort(byText),
      from: [...from].sort(byText),
    })),
    flows: home.flows.map(({ from, to, port }) => ({
      from: `${from.app}@${from.target}`,
      to: `${to.app}@${to.target}`,
      ...(port !== undefined && { port }),
    })),
  };
}

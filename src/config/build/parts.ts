import { isRun } from '../../../schema/quadlet/names.ts';
import { lastValue } from '../../../schema/quadlet/unit.ts';
import { own } from '../../../schema/wire/record.ts';
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
import { certOf, nativeOf, ownerText, providedBy } from './native.ts';

/** Where the file of a secret is in the repo. */
export const secretPath = (target: string, name: string): string => `secrets/${target}/${name}.age`;

/**
 * The parts of a release from what is placed and its files. Sorted throughout.
 *
 * @param digests of files of the repo that the release holds as they are, by path: secrets and keys
 */
export function makeParts(
  home: Home,
  placed: readonly Placed[],
  files: readonly (ReleaseFile & { target: string })[],
  digests: ReadonlyMap<string, string>,
): ReleasePart[] {
  const filesOf = new Map<string, ReleaseFile[]>();
  for (const { target, ...file } of files) filesOf.set(target, [...(filesOf.get(target) ?? []), file]);
  for (const [target, list] of filesOf)
    filesOf.set(
      target,
      list.sort((a, b) => byText(a.path, b.path)),
    );
  const targets = [...new Set(placed.map(({ target }) => target))].sort(byText);
  const appsOf = new Map<string, ReleaseApp[]>();
  for (const one of placed)
    appsOf.set(one.target, [
      ...(appsOf.get(one.target) ?? []),
      makeApp(home, one, filesOf.get(one.target) ?? [], digests),
    ]);
  return targets.map((target) => ({
    target,
    ...(!Object.hasOwn(home.devices, target) && { relay: home.guests[target]?.host ?? target }),
    apps: appsOf.get(target)!,
    files: filesOf.get(target) ?? [],
  }));
}

function makeApp(
  home: Home,
  placed: Placed,
  partFiles: readonly ReleaseFile[],
  digests: ReadonlyMap<string, string>,
): ReleaseApp {
  const { app, target, source, parsed, files, secrets, derived, update } = placed;
  const { file } = source;
  const route = home.routes.find((one) => one.app === app && one.target === target);
  const port = file.health?.port ?? route?.upstream?.port;
  return {
    name: app,
    units: unitsOf(
      parsed,
      file.service,
      partFiles.filter((one) => one.app === app),
    ),
    secrets: secrets.map((name) => {
      const made = own(derived, name);
      const digest = digests.get(secretPath(target, name));
      return {
        name,
        ...(digest !== undefined && { digest }),
        ...(made !== undefined && {
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
    certs: file.certs.map((cert) => certOf(home, app, target, cert)),
    ...nativeOf(placed, digests),
    ...providedBy(home, app, target),
    ...(update !== undefined && { update }),
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
  units: Placed['parsed'],
  service: string | undefined,
  files: readonly ReleaseFile[],
): ReleaseUnit[] {
  const found = new Map<string, { files: string[]; kind: ReleaseUnit['kind'] }>();
  const services = new Map<string, string>();
  const triggered = new Set(units.flatMap(triggeredBy));
  for (const { name, file, service: made } of units) {
    services.set(file.name, made);
    const kind = triggered.has(made) ? 'triggered' : isRun(name) ? 'run' : 'resource';
    found.set(made, { files: [file.name], kind });
  }
  if (service !== undefined && !found.has(service)) found.set(service, { files: [], kind: 'run' });
  for (const { path, kind } of files) {
    const name = kind === 'unit' ? path.replace(/^\/etc\/(containers\/systemd|systemd\/system)\//, '') : '';
    if (!name.includes('.d/')) continue;
    const unit = name.slice(0, name.indexOf('.d/'));
    found.get(services.get(unit) ?? unit)?.files.push(name);
  }
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

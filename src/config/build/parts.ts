import { own } from '../../../schema/wire/record.ts';
import type {
  ReleaseApp,
  ReleaseAuthority,
  ReleaseFile,
  ReleaseManifest,
  ReleasePart,
} from '../../../schema/wire/release.ts';
import { certOf, ownerText } from '../compile/certs.ts';
import { machineOf } from '../compile/routes.ts';
import type { Placed } from '../compile/units.ts';
import { grouped } from '../grouped.ts';
import type { Flow, Home, Route } from '../home.ts';
import { byText } from '../repo.ts';
import { prunedFolder } from './files.ts';
import { nativeOf, providedBy } from './native.ts';
import { type UnitFiles, unitFilesOf, unitsOf } from './unit-parts.ts';

/** Where the file of a secret is in the repo. */
export const secretPath = (target: string, name: string): string => `secrets/${target}/${name}.age`;

/**
 * The parts of a release from what is placed and its files. Sorted throughout.
 *
 * @param digests of files of the repo that the release holds as they are, by path: secrets and keys
 * @param authorityOf what certificates on guests of a host are made by
 */
export function makeParts(
  home: Home,
  placed: readonly Placed[],
  files: readonly (ReleaseFile & { target: string })[],
  digests: ReadonlyMap<string, string>,
  authorityOf: (host: string) => ReleaseAuthority | undefined,
): ReleasePart[] {
  const filesOf = grouped(files, ({ target }) => target);
  const routesOf = grouped(home.routes, instanceKey);
  const usesOf = grouped(home.flows, ({ from }) => instanceKey(from));
  const usersOf = grouped(home.flows, ({ to }) => instanceKey(to));
  return [...grouped(placed, ({ target }) => target)]
    .sort(([a], [b]) => byText(a, b))
    .map(([target, instances]): ReleasePart => {
      const own = (filesOf.get(target) ?? [])
        .map(({ target: _, ...file }): ReleaseFile => file)
        .sort((a, b) => byText(a.path, b.path));
      const unitFiles = unitFilesOf(own);
      const hasCerts = instances.some(({ source }) => source.file.certs.length > 0);
      const guest = home.guests[target];
      const authority = hasCerts && guest?.type === 'qemu' ? authorityOf(guest.host) : undefined;
      return {
        target,
        ...(!Object.hasOwn(home.devices, target) && { relay: guest?.host ?? target }),
        ...(authority !== undefined && { authority }),
        apps: instances.map((one) => {
          const key = instanceKey(one);
          const said = {
            route: routesOf.get(key)?.[0],
            uses: usesOf.get(key) ?? [],
            users: usersOf.get(key) ?? [],
          };
          return makeApp(home, one, said, unitFiles, digests);
        }),
        files: own,
      };
    });
}

const instanceKey = ({ target, app }: Pick<Placed, 'target' | 'app'>): string => `${target} ${app}`;

/** What the home says of one app in one place. */
type Said = {
  readonly route: Route | undefined;
  readonly uses: readonly Flow[];
  readonly users: readonly Flow[];
};

function makeApp(
  home: Home,
  placed: Placed,
  { route, uses, users }: Said,
  unitFiles: UnitFiles,
  digests: ReadonlyMap<string, string>,
): ReleaseApp {
  const { app, target, source, parsed, files, secrets, derived, update } = placed;
  const { file } = source;
  const port = file.health?.port ?? route?.upstream?.port;
  return {
    name: app,
    units: unitsOf(app, parsed, file.service, unitFiles),
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
      ...new Set(uses.filter(({ after, to }) => after && to.target === target).map(({ to }) => to.app)),
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
    prune: [...new Set(files.filter(({ prune }) => prune).map(({ to }) => prunedFolder(to)))].sort(byText),
    ports: file.ports.map(({ port: number, proto, from }) => ({
      port: number,
      proto,
      ...(from !== undefined && { from: [...from].sort(byText) }),
    })),
    certs: file.certs.map((cert) => certOf(home, app, target, cert)),
    ...nativeOf(placed, digests),
    ...providedBy(users),
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

/** What tells a route from the others of its name: its conditions, and which of them is tried first. */
const conditions = ({ when, priority }: Route): string | undefined =>
  when === undefined && priority === undefined
    ? undefined
    : JSON.stringify({ ...when, ...(priority !== undefined && { priority }) });

/** A name with what it stands for, which may become more while the name stays. */
function rangeOf(home: Home, name: string): string {
  const range = own(home.networks, name)?.subnet ?? machineOf(home, name)?.address;
  return range === undefined ? name : `${name} (${range})`;
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
          // On that entry point the public machine reaches it, whatever else the route says.
          public: route.public || route.entry_points?.includes('public') === true,
          ...(route.access !== undefined && { access: route.access }),
          ...(conditions(route) !== undefined && { when: conditions(route)! }),
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
      from: from.map((one) => rangeOf(home, one)).sort(byText),
    })),
    flows: home.flows.map(({ from, to, port }) => ({
      from: `${from.app}@${from.target}`,
      to: `${to.app}@${to.target}`,
      ...(port !== undefined && { port }),
    })),
  };
}

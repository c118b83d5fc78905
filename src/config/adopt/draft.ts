import { isUnitFile, readUnitName } from '../../../schema/quadlet/names.ts';
import { wholeName } from '../compile/routes.ts';
import { byText, foldersUnder, type RepoFiles } from '../repo.ts';
import { makeAppFolder } from './app-folder.ts';
import { type AdoptedApp, assignFiles, namesOf } from './assign.ts';
import type { MachineFile, MachineFolder, Note } from './found.ts';
import { unitsIn } from './gather.ts';
import { groupUnits, secretsOf } from './group.ts';
import { type LabelRoute, routeOfLabels } from './label-route.ts';
import { freeName, quadletFolder, systemdFolder, toName, unitNameOf } from './unit-names.ts';

/** An app as it would be, in paths of the machine and names. */
export type AppSummary = {
  readonly name: string;
  readonly units: readonly string[];
  readonly files: readonly string[];
  readonly dirs: readonly string[];
  readonly secrets: readonly string[];
  readonly service?: string;
  readonly route?: LabelRoute;
};

export type Drafted = {
  readonly files: RepoFiles;
  readonly apps: readonly AppSummary[];
  /** The folders that apps list. */
  readonly folders: readonly MachineFolder[];
  /** Paths of the repo, and the machine's file that is the unit there. */
  readonly unitPaths: ReadonlyMap<string, string>;
  readonly left: readonly Note[];
  readonly doubts: readonly Note[];
};

/** What routes stand under: the domain, and the names that are taken. */
export type Site = { readonly domain: string | undefined; readonly names: readonly string[] };

/** The apps that a machine's files make, as folders of a repo. */
export function draftApps(
  files: readonly MachineFile[],
  folders: readonly MachineFolder[],
  repo: RepoFiles,
  machine: string,
  site: Site,
): Drafted {
  const unitFiles = new Map(
    files.flatMap((file) => {
      const unit = unitNameOf(file.path);
      return unit === null ? [] : [[unit, file] as const];
    }),
  );
  const rest = files.filter(({ path }) => unitNameOf(path) === null);
  const groups = groupUnits(unitsIn(files));
  const names = namesOf(groups, files);
  const assigned = assignFiles(groups, rest, folders, names, machine);
  const taken = new Set(foldersUnder(repo, 'apps').keys());
  const hosts = new Set(site.names);
  const drafted = new Map<string, Uint8Array<ArrayBuffer>>();
  const unitPaths = new Map<string, string>();
  const apps: AppSummary[] = [];
  const doubts: Note[] = assigned.notes.filter(({ code }) => code !== 'empty_folder');
  for (const app of assigned.apps) {
    const plain = toName(app.name);
    // Another machine may have an app of that name.
    const wanted = taken.has(plain) ? toName(`${plain.slice(0, 30 - machine.length)}-${machine}`) : plain;
    const name = freeName(wanted, (one) => taken.has(one));
    taken.add(name);
    const named: AdoptedApp = { ...app, name };
    const route = routeFor(named, site.domain, hosts);
    for (const [path, bytes] of makeAppFolder(named, machine, unitFiles, route))
      drafted.set(`apps/${name}/${path}`, bytes);
    for (const unit of app.group?.units ?? [])
      unitPaths.set(`apps/${name}/${unit}`, unitFiles.get(unit)!.path);
    apps.push(summaryOf(named, route));
    doubts.push(...doubtsOf(named));
  }
  return {
    files: drafted,
    apps: apps.sort((a, b) => byText(a.name, b.name)),
    folders: assigned.apps.flatMap((app) => app.folders),
    unitPaths,
    left: assigned.notes.filter(({ code }) => code === 'empty_folder'),
    doubts,
  };
}

/** A route of the labels, unless another app has the name already. */
function routeFor(
  { group }: AdoptedApp,
  domain: string | undefined,
  hosts: Set<string>,
): LabelRoute | undefined {
  const route = domain === undefined || group === undefined ? null : routeOfLabels(group.parsed, domain);
  if (domain === undefined || route === null) return undefined;
  const names = route.host.map((host) => wholeName(host, domain));
  if (names.some((name) => hosts.has(name))) return undefined;
  for (const name of names) hosts.add(name);
  return route;
}

function summaryOf({ name, group, files, folders }: AdoptedApp, route: LabelRoute | undefined): AppSummary {
  return {
    name,
    units: group?.units ?? [],
    files: files.map(({ path }) => path),
    dirs: folders.map(({ path }) => path),
    secrets: secretsOf(group),
    ...(group?.service !== undefined && { service: group.service }),
    ...(route !== undefined && { route }),
  };
}

function doubtsOf({ name, group, files }: AdoptedApp): Note[] {
  const asFiles = files.filter(({ path }) => {
    const isPlaced = path.startsWith(quadletFolder) || path.startsWith(systemdFolder);
    return isPlaced && isUnitFile(path) && !readUnitName(path).dropIn;
  });
  const hasService = group !== undefined && (group.service !== undefined || group.parsed.length > 0);
  return [
    ...asFiles.map(({ path }): Note => {
      const message = 'it is brought as a file: an app cannot list it as a unit';
      return { path, code: 'not_a_unit', message };
    }),
    ...(hasService
      ? []
      : [
          {
            path: `apps/${name}`,
            code: 'no_service' as const,
            message: 'nothing restarts when its files change; service: in app.yaml names what should',
          },
        ]),
  ];
}

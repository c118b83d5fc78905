import { readUnits } from '../../../schema/quadlet/unit.ts';
import { textOrNull } from '../read/text.ts';
import { byText } from '../repo.ts';
import { folderOf, lastOf, type MachineFile, type MachineFolder, type Note } from './found.ts';
import type { Group } from './group.ts';
import { hostPathsIn, isBroad, pathsOf } from './refer.ts';
import { systemdFolder, toName } from './unit-names.ts';

/** An app on its way into the repo: its units' names, and its files. */
export type AdoptedApp = {
  readonly name: string;
  readonly group?: Group;
  readonly files: readonly MachineFile[];
  readonly folders: readonly MachineFolder[];
};

/** Paths that units name, each with whose units do. */
export type Names = ReadonlyMap<string, ReadonlySet<Group>>;

/**
 * Every path of the machine that a group's units name.
 *
 * @param texts of all units and files by their path, for drop-ins of units that the system brings and Kubernetes files
 */
export function namesOf(groups: readonly Group[], files: readonly MachineFile[]): Names {
  const names = new Map<string, Set<Group>>();
  const byPath = new Map(files.map((file) => [file.path, file]));
  for (const group of groups) {
    const paths = new Set(unitsOf(group, byPath).flatMap(pathsOf));
    for (const path of [...paths]) {
      const text = /\.(ya?ml|kube)$/.test(path)
        ? textOrNull(byPath.get(path)?.bytes ?? new Uint8Array())
        : null;
      for (const inner of hostPathsIn(text ?? '')) paths.add(inner);
    }
    for (const path of paths) names.set(path, (names.get(path) ?? new Set()).add(group));
  }
  return names;
}

/** Drop-ins without a unit beside them are read as one of their unit. */
function unitsOf({ parsed, units, service }: Group, byPath: ReadonlyMap<string, MachineFile>) {
  if (service === undefined) return parsed;
  const texts = units.map(
    (name) => textOrNull(byPath.get(systemdFolder + name)?.bytes ?? new Uint8Array()) ?? '',
  );
  return readUnits([{ name: service, text: texts.join('\n'), file: service }]);
}

/** Whether a unit names a path, or a folder above it that is not everybody's. */
export function isNamed(names: Names, path: string): boolean {
  if (names.has(path)) return true;
  return foldersAbove(path).some((folder) => names.has(folder) && !isBroad(folder));
}

/** `/a/b/c` → `/a/b`, `/a` */
function foldersAbove(path: string): string[] {
  const folders: string[] = [];
  for (let at = folderOf(path).slice(0, -1); at !== ''; at = folderOf(at).slice(0, -1)) folders.push(at);
  return folders;
}

/** Folders of the system that hold files of many. */
const ofMany =
  /\.d$|^(systemd|default|network|netplan|udev|security|cron\..*|ssl|pki|containers|skel|init|logrotate|X11|opt)$/;

/** A folder that by its name says whose its files are: `/etc/opt/grafana` or `/etc/grafana`; undefined elsewhere. */
function ownFolderOf(path: string): string | undefined {
  const [, folder, name] =
    /^(\/(?:etc\/opt|opt|srv|etc|var\/lib|usr\/local\/etc)\/([^/]+))\//.exec(path) ?? [];
  return name === undefined || ofMany.test(name) ? undefined : folder;
}

/** Finds each file's app: whose unit names it, whose folder it is in, whose name it has; else an app of its own. */
export function assignFiles(
  groups: readonly Group[],
  files: readonly MachineFile[],
  folders: readonly MachineFolder[],
  names: Names,
  machine: string,
): { apps: AdoptedApp[]; notes: Note[] } {
  const notes: Note[] = [];
  const found = new Map<string, Group | string>();
  const inFolder = new Map<string, Set<Group>>();
  for (const file of files) {
    const group = groupOf(file, groups, names);
    if (group === undefined) continue;
    found.set(file.path, group);
    const folder = ownFolderOf(file.path);
    if (folder !== undefined) inFolder.set(folder, (inFolder.get(folder) ?? new Set()).add(group));
  }
  const filesApp = toName(`${machine.slice(0, 25)}-files`);
  for (const { path } of files) {
    if (found.has(path)) continue;
    const folder = ownFolderOf(path);
    const beside = [...(inFolder.get(folder ?? '') ?? [])];
    const app = folder === undefined ? filesApp : beside.length === 1 ? beside[0]! : toName(lastOf(folder));
    found.set(path, app);
    if (typeof app !== 'string') continue;
    notes.push(
      app === filesApp
        ? { path, code: 'nobody_names', message: `no unit names it; it went to the app ${app}` }
        : { path, code: 'by_name', message: `no unit names it; it went to the app ${app}, by its folder` },
    );
  }
  const folderApps = folders.map((folder) => ({ folder, app: folderApp(folder, groups, names, found) }));
  const appOf = (app: Group | string): Pick<AdoptedApp, 'files' | 'folders'> => ({
    files: files.filter(({ path }) => found.get(path) === app),
    folders: folderApps.flatMap((one) => (one.app === app ? [one.folder] : [])),
  });
  const plain = [...new Set([...found.values()].filter((app) => typeof app === 'string'))].sort(byText);
  return {
    apps: [
      ...groups.map((group) => ({ name: group.name, group, ...appOf(group) })),
      ...plain.map((name) => ({ name, ...appOf(name) })),
    ],
    notes: [
      ...notes,
      ...folderApps
        .filter(({ app }) => app === undefined)
        .map(({ folder: { path } }) => ({
          path,
          code: 'empty_folder' as const,
          message: 'no unit names the folder',
        })),
    ],
  };
}

function groupOf(
  { path, hint }: Pick<MachineFile, 'path' | 'hint'>,
  groups: readonly Group[],
  names: Names,
): Group | undefined {
  const exact = names.get(path) ?? new Set<Group>();
  if (exact.size === 1) return [...exact][0];
  const hinted = groups.find(({ stems }) => hint !== undefined && stems.has(hint));
  if (hinted !== undefined) return hinted;
  const above = foldersAbove(path).find((folder) => names.has(folder) && !isBroad(folder));
  const mounted = above === undefined ? new Set<Group>() : names.get(above)!;
  if (exact.size === 0 && mounted.size === 1) return [...mounted][0];
  const folder = ownFolderOf(path);
  const wanted = lastOf(folder ?? lastOf(path).replace(/^\./, '').replace(/\..*/s, ''));
  return groups.find(({ name, stems }) => stems.has(wanted) || toName(wanted) === toName(name));
}

/** A folder is brought where a unit names it, or where it is an app's own and holds files of it, or lies in /etc. */
function folderApp(
  { path }: MachineFolder,
  groups: readonly Group[],
  names: Names,
  found: ReadonlyMap<string, Group | string>,
): Group | string | undefined {
  const named = names.get(path);
  if (named?.size === 1) return [...named][0];
  if (ownFolderOf(`${path}/`) === undefined) return undefined;
  const inside = [...found].find(([file]) => file.startsWith(`${path}/`))?.[1];
  return path.startsWith('/etc/') || inside !== undefined
    ? (groupOf({ path: `${path}/` }, groups, names) ?? inside)
    : undefined;
}

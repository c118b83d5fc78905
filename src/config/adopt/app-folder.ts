import { toBytes } from '../../../schema/jose/digest.ts';
import { placeholdersIn } from '../../../schema/manifest/placeholder.ts';
import { isUnitFile } from '../../../schema/quadlet/names.ts';
import { textOrNull } from '../read/text.ts';
import { byText, type RepoFiles } from '../repo.ts';
import type { AdoptedApp } from './assign.ts';
import { folderOf, lastOf, type MachineFile, rootOwner } from './found.ts';
import { secretsOf } from './group.ts';
import type { LabelRoute } from './label-route.ts';
import { isKeptPath } from './unit-names.ts';
import { yamlOf } from './yaml-text.ts';

type FileEntry = {
  readonly from: string;
  readonly to: string;
  readonly mode?: string;
  readonly owner?: string | number;
  readonly raw?: true;
};

const plainMode = '0644';
const plainFolderMode = '0755';

/** The owner as app.yaml says it: `472` for 472:472. */
const ownerEntry = (owner: string): string | number => {
  const [user, group] = owner.split(':');
  return user === group && /^\d+$/.test(user!) ? Number(user) : owner;
};

const attributesOf = (file: Pick<MachineFile, 'mode' | 'owner'>, plain: string) => ({
  ...(file.mode !== plain && { mode: file.mode }),
  ...(file.owner !== rootOwner && { owner: ownerEntry(file.owner) }),
});

/**
 * The folder of an app, by paths in it: its units and files with their bytes as they are, and an app.yaml that puts
 * them where they were.
 */
export function makeAppFolder(
  app: AdoptedApp,
  machine: string,
  unitFiles: ReadonlyMap<string, MachineFile>,
  route?: LabelRoute,
): RepoFiles {
  const folder = new Map<string, Uint8Array<ArrayBuffer>>();
  const units = (app.group?.units ?? []).map((name) => ({ name, file: unitFiles.get(name)! }));
  for (const { name, file } of units) folder.set(name, file.bytes);
  const used = new Set(['app.yaml', ...units.map(({ name }) => name.split('/')[0]!)]);
  const files = placeFiles(app, folder, used);
  const secrets = secretsOf(app.group);
  const { service } = app.group ?? {};
  const value = {
    on: machine,
    ...(units.length > 0 && { units: unitEntries(units, [...folder.keys()]) }),
    ...(service !== undefined && { service }),
    ...(files.length > 0 && { files }),
    ...(app.folders.length > 0 && {
      dirs: app.folders.map((one) => ({ path: one.path, ...attributesOf(one, plainFolderMode) })),
    }),
    ...(route !== undefined && {
      route: { host: route.host.length === 1 ? route.host[0] : route.host, port: route.port },
    }),
    ...(secrets.length > 0 && { secrets }),
  };
  folder.set('app.yaml', toBytes(yamlOf(value)));
  return folder;
}

const manyUnits = 4;

/** Names, or a pattern for many of one kind that are all there are of it. */
function unitEntries(
  units: readonly { readonly name: string; readonly file: MachineFile }[],
  inFolder: readonly string[],
): unknown[] {
  const entries: unknown[] = [];
  const kinds = new Map<string, string[]>();
  for (const { name, file } of units) {
    const attributes = attributesOf(file, plainMode);
    if (Object.keys(attributes).length > 0) entries.push({ unit: name, ...attributes });
    else if (name.includes('/')) entries.push(name);
    else {
      const kind = name.slice(name.lastIndexOf('.') + 1);
      kinds.set(kind, [...(kinds.get(kind) ?? []), name]);
    }
  }
  for (const [kind, names] of kinds) {
    const all = inFolder.filter((name) => !name.includes('/') && name.endsWith(`.${kind}`));
    if (names.length > manyUnits && all.length === names.length) entries.push(`*.${kind}`);
    else entries.push(...names);
  }
  return entries.sort((a, b) => byText(entryName(a), entryName(b)));
}

const entryName = (entry: unknown): string =>
  typeof entry === 'string' ? entry : (entry as { unit: string }).unit;

/** The deepest folder that all of some paths are in, with its slash. */
function commonFolder(paths: readonly string[]): string {
  let folder = folderOf(paths[0]!);
  while (!paths.every((path) => path.startsWith(folder))) folder = folderOf(folder.slice(0, -1));
  return folder;
}

/** Files that one entry can bring: below one folder, with one mode and owner. */
function entriesOf(files: readonly MachineFile[]): MachineFile[][] {
  const sets = new Map<string, MachineFile[]>();
  for (const file of files) {
    const [, base] = /^(\/(?:etc\/opt|etc|opt|srv|usr\/local|var\/lib|home|root)\/[^/]+\/|\/.*\/)/.exec(
      file.path,
    )!;
    const isUnit = /^\/etc\/(containers\/systemd|systemd\/system)\//.test(file.path) && isUnitFile(file.path);
    const isAlone = isUnit || !isKeptPath(file.path.slice(base!.length));
    const key = isAlone ? file.path : `${base} ${file.mode} ${file.owner} ${isRaw(file)}`;
    sets.set(key, [...(sets.get(key) ?? []), file]);
  }
  return [...sets.values()].sort((a, b) => b.length - a.length || byText(a[0]!.path, b[0]!.path));
}

/** Puts files into the app's folder, and says where they go. */
function placeFiles(
  app: AdoptedApp,
  folder: Map<string, Uint8Array<ArrayBuffer>>,
  used: Set<string>,
): FileEntry[] {
  const entries: FileEntry[] = [];
  for (const files of entriesOf(app.files)) {
    const [first] = files;
    const attributes = attributesOf(first!, plainMode);
    const raw = isRaw(first!) && { raw: true as const };
    const to = files.length === 1 ? first!.path : commonFolder(files.map(({ path }) => path));
    if (files.length === 1) {
      const from = free(keptName(lastOf(to)), used);
      folder.set(from, first!.bytes);
      entries.push({ from, to, ...attributes, ...raw });
      continue;
    }
    const last = lastOf(to.slice(0, -1));
    const marks = [attributes.mode, attributes.owner].flatMap((mark) =>
      mark === undefined ? [] : [String(mark)],
    );
    const plain = last === app.name || last === 'systemd' || last === 'system' ? 'config' : keptName(last);
    const isFirst = !used.has(plain);
    const from = free(isFirst ? plain : keptName([plain, ...marks].join('-').replace(/:/g, '-')), used);
    for (const file of files) folder.set(`${from}/${file.path.slice(to.length)}`, file.bytes);
    entries.push({ from: `${from}/`, to, ...attributes, ...raw });
  }
  return entries.sort((a, b) => byText(a.to, b.to));
}

const isRaw = ({ path, bytes }: MachineFile): boolean =>
  path.endsWith('.j2') || placeholdersIn(textOrNull(bytes) ?? '').length > 0;

/** The name, or one close to it that a repo can have. */
const keptName = (name: string): string =>
  name
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
    .replace(/[\u0000-\u001f\u007f\\\ufffd*?]/g, '_')
    .replace(/^\.git/, 'git')
    .replace(/^node_modules$/, '_node_modules')
    .slice(0, 200);

function free(name: string, used: Set<string>): string {
  const [, stem, suffix] = /^(.+?)(\.[^.]*)?$/.exec(name)!;
  let found = name;
  for (let count = 2; used.has(found); count += 1) found = `${stem}-${count}${suffix ?? ''}`;
  used.add(found);
  return found;
}

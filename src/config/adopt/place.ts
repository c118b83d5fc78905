import { isUnitFile, readUnitName, unitPath } from '../../../schema/quadlet/names.ts';
import { textOrNull } from '../read/text.ts';
import { byText } from '../repo.ts';
import {
  type Entry,
  folderOf,
  lastOf,
  type MachineFile,
  type MachineFolder,
  modeOf,
  type Note,
  ownerOf,
  type Source,
} from './found.ts';
import { guessPlaces } from './guess.ts';
import { quadletFolder } from './unit-names.ts';

/**
 * What `from` is, a file or a folder of the source, lies at `to` on the machine: below it, where that ends in a slash.
 * An empty `from` is all that nothing else places.
 */
export type PlaceRule = { readonly from: string; readonly to: string };

export type PlaceOptions = {
  /** Where the source itself lies on the machine; absent: told by what is in it. */
  readonly at?: string;
  readonly rules: readonly PlaceRule[];
  /** The machine's name, which as a folder says nothing of what belongs together. */
  readonly machine: string;
};

export type Placing = {
  readonly files: readonly MachineFile[];
  readonly folders: readonly MachineFolder[];
  readonly notes: readonly Note[];
};

type FileEntry = Extract<Entry, { kind: 'file' }>;

const topFolder = /^(etc|opt|srv|usr|var|home|root)(\/|$)/;

/** Where a source lies that mirrors a machine's own paths; null for folders of units in an order of their own. */
export function rootOf({ entries }: Source): string | null {
  const has = (folder: string): boolean => entries.some(({ path }) => path.startsWith(folder));
  if (has('etc/')) return '/';
  const isTop = entries.some(({ path }) => /^(opt|srv|usr|var)\//.test(path));
  if (isTop && entries.every(({ path }) => topFolder.test(path))) return '/';
  return has('containers/systemd/') || has('systemd/system/') ? '/etc/' : null;
}

/** Folders that each mirror a machine: several machines, or several apps. */
export function treesIn({ entries }: Source): string[] {
  const found = entries.flatMap(({ path }) => /^([^/]+)\/etc\//.exec(path)?.[1] ?? []);
  return [...new Set(found)].sort(byText);
}

/** Puts everything of a source where it lies on its machine. */
export function placeSource(source: Source, options: PlaceOptions): Placing {
  const root = options.at === undefined ? rootOf(source) : asFolder(options.at);
  const notes: Note[] = source.entries.flatMap((entry) =>
    entry.kind === 'left'
      ? [{ path: root === null ? entry.path : root + entry.path, code: entry.code, message: entry.message }]
      : [],
  );
  const files = source.entries.filter((entry) => entry.kind === 'file');
  if (root === null) return placeFlat(files, notes, options);
  const placed = files.map((entry) => toMachine(root + entry.path, entry));
  notes.push(...files.flatMap((entry) => doubtsOf(root + entry.path, entry)));
  return {
    files: withHints(placed, options.machine),
    folders: source.entries
      .filter((entry) => entry.kind === 'folder')
      .map((entry) => ({ path: root + entry.path, mode: modeText(entry), owner: ownerOf(entry) })),
    notes,
  };
}

/** Five digits where there is more than a release can say: whoever takes it is told. */
const modeText = (entry: FileEntry | Extract<Entry, { kind: 'folder' }>): string =>
  (entry.mode & 0o7000) === 0 ? modeOf(entry) : `0${(entry.mode & 0o7777).toString(8)}`;

const toMachine = (path: string, entry: FileEntry): MachineFile => ({
  path,
  bytes: entry.bytes,
  mode: modeText(entry),
  owner: ownerOf(entry),
});

/** What is not known of a file whose owner was not copied. */
function doubtsOf(path: string, { mode, uid }: FileEntry): Note[] {
  if (uid !== undefined) return [];
  const notes: Note[] = [];
  if ((mode & 0o022) !== 0) {
    const message = `its owner is not known, so that only the owner may write it, and not as 0${mode.toString(8)}`;
    notes.push({ path, code: 'mode_narrowed', message });
  }
  if ((mode & 0o004) === 0) {
    const message = `its mode is ${modeOf({ mode })}, and its owner was not copied; an archive, or --owners, tells it`;
    notes.push({ path, code: 'owner_assumed', message });
  }
  return notes;
}

/** Folders that say what kind of files they hold, and nothing of whose. */
const generic =
  /^(units?|quadlets?|containers?|systemd|system|etc|config|configs|conf|podman|services?|apps?|src|files?|rootfs|root|users)$/;

/** The folder that says whose a unit is: the closest that is not named by a kind of thing. */
function ownFolder(path: string, machine: string): string | undefined {
  const parts = path.split('/').slice(0, -1);
  while (parts.length > 0 && (generic.test(parts.at(-1)!) || /\.d$/.test(parts.at(-1)!))) parts.pop();
  return parts.length === 0 || parts.at(-1) === machine ? undefined : `${parts.join('/')}/`;
}

/** Folders of units, each with a name of its own; none where all units lie in one. */
function hintFolders(units: readonly string[], machine: string): ReadonlySet<string> {
  const folders = new Set(units.flatMap((path) => ownFolder(path, machine) ?? []));
  return folders.size < 2 ? new Set() : folders;
}

function hintFor(path: string, folders: ReadonlySet<string>): string | undefined {
  for (let folder = folderOf(path); folder !== ''; folder = folderOf(folder.slice(0, -1))) {
    if (folders.has(folder)) return lastOf(folder.slice(0, -1));
  }
  return undefined;
}

const withHint = <T extends object>(value: T, hint: string | undefined): T & { hint?: string } =>
  hint === undefined ? value : { ...value, hint };

/** Podman reads folders below its own, in which people sort their units. */
function withHints(files: readonly MachineFile[], machine: string): MachineFile[] {
  const inside = (path: string): string => path.slice(quadletFolder.length);
  const units = files.flatMap(({ path }) =>
    path.startsWith(quadletFolder) && isUnitFile(path) ? [inside(path)] : [],
  );
  const folders = hintFolders(units, machine);
  return files.map((file) =>
    file.path.startsWith(quadletFolder) ? withHint(file, hintFor(inside(file.path), folders)) : file,
  );
}

/** Whether a file of an unknown place is a unit: systemd-networkd has .network files of its own. */
function isFlatUnit({ path, bytes }: FileEntry): boolean {
  if (!isUnitFile(path)) return false;
  return readUnitName(path).kind !== 'network' || !/^\[(Match|Link)\]/m.test(textOrNull(bytes) ?? '');
}

/** Units go where Podman and systemd read them, whatever folder they are kept in; the rest by rules and guesses. */
function placeFlat(entries: readonly FileEntry[], notes: Note[], options: PlaceOptions): Placing {
  const units = entries.filter(isFlatUnit);
  const folders = hintFolders(
    units.map(({ path }) => path),
    options.machine,
  );
  const files: MachineFile[] = [];
  const add = (path: string, entry: FileEntry): void => {
    files.push(withHint(toMachine(path, entry), hintFor(entry.path, folders)));
    notes.push(...doubtsOf(path, entry));
  };
  const unitName = (path: string): string =>
    path
      .split('/')
      .slice(readUnitName(path).dropIn ? -2 : -1)
      .join('/');
  for (const entry of units)
    add(placeByRule(entry.path, options.rules) ?? unitPath(unitName(entry.path)), entry);

  const rest = entries.filter((entry) => !units.includes(entry));
  const whole = options.rules.find(({ from }) => from === '');
  const guesses = guessPlaces(
    units.map(({ path, bytes }) => ({
      path,
      name: unitName(path),
      text: textOrNull(bytes) ?? '',
      hint: hintFor(path, folders),
    })),
    rest.map(({ path }) => ({ path, hint: hintFor(path, folders) })),
  );
  for (const entry of rest) {
    const ruled = placeByRule(entry.path, options.rules);
    const guess = guesses.get(entry.path);
    if (ruled !== undefined) add(ruled, entry);
    else if (guess !== undefined) {
      add(guess.path, entry);
      if (!guess.certain) {
        notes.push({
          path: guess.path,
          code: 'guessed_place',
          message: `${entry.path} was placed there, because ${guess.unit} mounts it from there`,
        });
      }
    } else if (whole !== undefined) add(asFolder(whole.to) + entry.path, entry);
    else {
      const message = 'nothing says where it lies on the machine; --to FOLDER=PLACE says it';
      notes.push({ path: entry.path, code: 'unplaced', message });
    }
  }
  return { files, folders: [], notes };
}

const asFolder = (path: string): string => (path.endsWith('/') ? path : `${path}/`);

/** Where the rule that says most of a path puts it. */
function placeByRule(path: string, rules: readonly PlaceRule[]): string | undefined {
  const fitting = rules
    .filter(({ from }) => from !== '' && (path === from || path.startsWith(asFolder(from))))
    .sort((a, b) => b.from.length - a.from.length);
  const [rule] = fitting;
  if (rule === undefined) return undefined;
  const { from, to } = rule;
  if (path === from) return to.endsWith('/') ? to + lastOf(path) : to;
  return asFolder(to) + path.slice(asFolder(from).length);
}

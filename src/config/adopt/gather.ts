import { textOrNull } from '../read/text.ts';
import { byText } from '../repo.ts';
import { isNamed, namesOf } from './assign.ts';
import { sameBytes } from './compare.ts';
import {
  folderOf,
  type MachineFile,
  type MachineFolder,
  type Note,
  rootOwner,
  type Source,
} from './found.ts';
import { groupUnits } from './group.ts';
import type { NoteCode } from './notes.ts';
import { type PlaceOptions, placeSource, rootOf } from './place.ts';
import { isBroad } from './refer.ts';
import { type Choices, selectFiles } from './select.ts';
import { quadletFolder, systemdFolder, unitNameOf } from './unit-names.ts';

/** What of a machine goes into the repo, and what is told of the rest. */
export type Gathered = {
  readonly files: readonly MachineFile[];
  /** Folders that no file makes, or that have a mode or owner of their own. */
  readonly folders: readonly MachineFolder[];
  readonly left: readonly Note[];
  readonly doubts: readonly Note[];
  readonly blocking: readonly Note[];
};

/** What is told of files that are taken. */
const isDoubt: ReadonlySet<NoteCode> = new Set(['guessed_place', 'mode_narrowed', 'owner_assumed']);

/** Puts all sources together where they lie on the machine, and chooses. */
export function gatherFiles(sources: readonly Source[], options: PlaceOptions, choices: Choices): Gathered {
  const left: Note[] = [];
  const doubts: Note[] = [];
  const blocking: Note[] = [];
  const files = new Map<string, MachineFile>();
  const folders = new Map<string, MachineFolder>();
  for (const source of sources) {
    const placed = placeSource(source, options);
    for (const note of placed.notes) (isDoubt.has(note.code) ? doubts : left).push(note);
    for (const file of placed.files) {
      const other = files.get(file.path);
      if (other === undefined) files.set(file.path, file);
      else if (!sameBytes(other.bytes, file.bytes)) {
        const message = 'two of the given files would lie there; adopt their folders one after the other';
        blocking.push({ path: file.path, code: 'place_twice', message });
      }
    }
    for (const folder of placed.folders) folders.set(folder.path, folder);
  }
  for (const { from } of options.rules) {
    const fits = ({ path }: { path: string }): boolean => path === from || path.startsWith(`${from}/`);
    if (from === '' || sources.some((source) => isFlat(source, options) && source.entries.some(fits)))
      continue;
    const message = 'no folder of units holds it; in a tree of the machine each file has its place';
    left.push({ path: from, code: 'no_match', message });
  }
  const all = [...files.values()].sort((a, b) => byText(a.path, b.path));
  const names = namesOf(groupUnits(unitsIn(all)), all);
  const selected = selectFiles(all, choices, (path) => isNamed(names, path));
  const filled = new Set([...all, ...left].flatMap(({ path }) => parentsOf(path)));
  const taken = new Set(selected.taken.flatMap(({ path }) => parentsOf(path)));
  const own = ownFolders([...folders.values()], filled, taken);
  const special = own.filter(({ mode }) => mode.length > 4);
  return {
    files: selected.taken,
    folders: own.filter((folder) => !special.includes(folder)),
    left: [
      ...left,
      ...selected.left,
      ...special.map(
        ({ path, mode }): Note => ({ path, code: 'special_mode', message: `its mode is ${mode}` }),
      ),
    ],
    doubts,
    blocking: [...blocking, ...selected.blocking],
  };
}

const isFlat = (source: Source, { at }: PlaceOptions): boolean => at === undefined && rootOf(source) === null;

/** The units among files, as groups are made of them. */
export const unitsIn = (files: readonly MachineFile[]) =>
  files.flatMap(({ path, bytes, hint }) => {
    const unit = unitNameOf(path);
    return unit === null
      ? []
      : [{ unit, text: textOrNull(bytes) ?? '', ...(hint !== undefined && { hint }) }];
  });

function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let at = folderOf(path).slice(0, -1); at !== ''; at = folderOf(at).slice(0, -1)) parents.push(at);
  return parents;
}

/** Folders that must be said: the empty ones, and those of files that are taken with attributes of their own. */
function ownFolders(
  folders: readonly MachineFolder[],
  filled: ReadonlySet<string>,
  taken: ReadonlySet<string>,
): MachineFolder[] {
  return folders
    .filter(({ path, mode, owner }) => {
      const inUnits = `${path}/`.startsWith(quadletFolder) || `${path}/`.startsWith(systemdFolder);
      if (inUnits || isBroad(path)) return false;
      return filled.has(path) ? taken.has(path) && (mode !== '0755' || owner !== rootOwner) : true;
    })
    .sort((a, b) => byText(a.path, b.path));
}

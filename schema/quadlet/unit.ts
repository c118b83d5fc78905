import type { Place } from './finding.ts';
import {
  dropInFolders,
  expandSpecifiers,
  plainServiceName,
  readUnitName,
  sectionOf,
  type UnitName,
} from './names.ts';
import { type AssignmentNode, dialectOf, isReadable, parseUnit, placeIn, type UnitText } from './syntax.ts';
import { withoutQuotes } from './words.ts';

/** A unit file or drop-in as it will stand on its machine. */
export type UnitFile = {
  /** Its path in /etc/containers/systemd or /etc/systemd/system: `web.container`, `web.container.d/a.conf`. */
  readonly name: string;
  readonly text: string;
  /** Where findings point. */
  readonly file: string;
  /** Where in that file all findings point: for a text that was made, whose lines are not the file's. */
  readonly at?: { readonly line: number; readonly column: number };
};

/** One assignment, with the file that makes it. */
export type Assigned = {
  readonly key: string;
  readonly value: string;
  readonly node: AssignmentNode;
  readonly from: UnitFile;
};

/** A unit with the drop-ins that apply to it. */
export type Unit = {
  readonly file: UnitFile;
  readonly name: UnitName;
  /** The file and its drop-ins, in the order in which they are read. */
  readonly texts: readonly { readonly from: UnitFile; readonly text: UnitText }[];
  readonly sections: ReadonlyMap<string, readonly Assigned[]>;
  /** The same by section and key. */
  readonly keys: ReadonlyMap<string, ReadonlyMap<string, readonly Assigned[]>>;
  /** The name that systemd has for it: `web.service`. */
  readonly service: string;
};

/** Reads the files of one machine. A drop-in that no unit takes is in none of them. Equal objects are read once. */
export function readUnits(files: readonly UnitFile[]): Unit[] {
  const named = files.map((file) => ({ file, name: readUnitName(file.name) }));
  const dropIns = new Map<string, UnitFile[]>();
  for (const { file, name } of named) {
    if (!name.dropIn || !file.name.endsWith('.conf')) continue;
    const folder = file.name.split('/').at(-2)!;
    dropIns.set(folder, [...(dropIns.get(folder) ?? []), file]);
  }
  return named
    .filter(({ name }) => !name.dropIn)
    .map(({ file, name }) => {
      const applied = new Map<string, UnitFile>();
      for (const folder of dropInFolders(name.unit)) {
        for (const one of dropIns.get(folder) ?? []) {
          const last = one.name.slice(one.name.lastIndexOf('/') + 1);
          if (!applied.has(last)) applied.set(last, one);
        }
      }
      const order = [...applied].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
      return makeUnit(name, [file, ...order]);
    });
}

/** What came of a file before: a repo's units are read for their apps, for generators, and to be judged. */
const made = new WeakMap<UnitFile, Unit>();

function makeUnit(name: UnitName, files: readonly UnitFile[]): Unit {
  const before = made.get(files[0]!);
  const isSame =
    before?.texts.length === files.length && before.texts.every(({ from }, index) => from === files[index]);
  if (before !== undefined && isSame) return before;
  const texts = files.map(
    (from) =>
      before?.texts.find((one) => one.from === from) ?? {
        from,
        text: parseUnit(from.text, dialectOf(name.unit)),
      },
  );
  const sections = new Map<string, Assigned[]>();
  for (const { from, text } of texts) {
    // The generator leaves out a drop-in that it cannot read.
    if (from !== files[0] && text.dialect === 'quadlet' && !isReadable(text)) continue;
    let current: Assigned[] = [];
    for (const node of text.nodes) {
      if (node.kind === 'section') {
        current = sections.get(node.name) ?? [];
        sections.set(node.name, current);
      } else if (node.kind === 'assignment') current.push({ key: node.key, value: node.value, node, from });
    }
  }
  const keys = new Map<string, Map<string, Assigned[]>>();
  for (const [section, assigned] of sections) {
    const own = new Map<string, Assigned[]>();
    keys.set(section, own);
    for (const one of assigned) {
      const known = own.get(one.key);
      if (known === undefined) own.set(one.key, [one]);
      else known.push(one);
    }
  }
  const read = { file: files[0]!, name, texts, sections, keys };
  const unit = { ...read, service: serviceOf(read) };
  made.set(unit.file, unit);
  return unit;
}

function serviceOf(unit: Omit<Unit, 'service'>): string {
  const { name } = unit;
  if (name.kind === 'systemd') return name.unit;
  const said = lastValue(unit, sectionOf(name.kind), 'ServiceName');
  return `${said ?? plainServiceName(name.base, name.kind)}.service`;
}

type Keys = Pick<Unit, 'keys'>;

/** The last assignment of a key, which is the one that counts where only one can. */
export const last = ({ keys }: Keys, section: string, key: string): Assigned | undefined =>
  keys.get(section)?.get(key)?.at(-1);

/** Its value without the quotes around it, as the generator reads it; undefined where the key is not there. */
export const lastValue = (unit: Keys, section: string, key: string): string | undefined => {
  const one = last(unit, section, key);
  return one === undefined ? undefined : withoutQuotes(one.value);
};

const none: readonly Assigned[] = [];

/** All assignments of a key that count: an empty one takes back those before it. */
export function all({ keys }: Keys, section: string, key: string): readonly Assigned[] {
  const own = keys.get(section)?.get(key) ?? none;
  const reset = own.findLastIndex(({ value }) => value === '');
  return reset < 0 ? own : own.slice(reset + 1);
}

/** Whether two units never run at the same time, because one of them says so. */
export const excludeEachOther = (a: Unit, b: Unit): boolean =>
  [
    [a, b],
    [b, a],
  ].some(([one, other]) =>
    all(one!, 'Unit', 'Conflicts').some(({ value }) => value.split(/\s+/).includes(other!.service)),
  );

/** What the generator takes for yes; anything else is no to it. */
export const isTrue = (text: string): boolean => /^(1|yes|true|on)$/i.test(text);

/** Where a value, or the character of it at `offset`, stands. */
export const placeOf = ({ from, node }: Assigned, offset = 0): Place => ({
  file: from.file,
  ...(from.at ?? placeIn(node, offset)),
});
/** Where a key stands. */
export const keyPlace = ({ from, node }: Assigned): Place => ({
  file: from.file,
  ...(from.at ?? { line: node.line, column: node.column }),
});
/** A place for what a unit lacks. */
export const unitPlace = ({ file }: Unit): Place => ({
  file: file.file,
  ...(file.at ?? { line: 1, column: 1 }),
});

/** The name that Podman gives to what a unit makes; undefined where systemd alone can tell. */
export function resourceName(unit: Unit): string | undefined {
  const { kind, base, template } = unit.name;
  const service = unit.service.slice(0, -'.service'.length);
  const section = kind === 'systemd' ? '' : sectionOf(kind);
  const named: Readonly<Record<string, string>> = {
    container: 'ContainerName',
    volume: 'VolumeName',
    network: 'NetworkName',
    pod: 'PodName',
  };
  const key = named[kind];
  if (key === undefined) return undefined;
  const said = lastValue(unit, section, key);
  const plain =
    kind !== 'container' ? `systemd-${base}` : template !== undefined ? 'systemd-%p_%i' : 'systemd-%N';
  return expandSpecifiers(said === undefined || said === '' ? plain : said, unit.name, service);
}

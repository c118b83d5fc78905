import type { UnitFile } from '../../../schema/quadlet/unit.ts';
import type { Unit } from '../home.ts';

const made = new WeakMap<Unit, UnitFile>();

/** A unit of an app as unit files are read: the same object each time, so that its text is read once. */
export function unitFileOf(unit: Unit): UnitFile {
  const before = made.get(unit);
  if (before !== undefined) return before;
  const { file, line, column } = unit.place;
  // The lines of a text that was made are not its file's.
  const at = /\.(j2|yaml)$/.test(file) ? { at: { line, column } } : {};
  const read = { name: unit.name, text: unit.text, file, ...at };
  made.set(unit, read);
  return read;
}

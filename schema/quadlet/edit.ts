import { ok, type Result, refuse } from '../result.ts';
import { type AssignmentNode, parseUnit, printUnit, type UnitNode, type UnitText } from './syntax.ts';

export type EditReason = 'bad_section' | 'bad_key' | 'bad_value' | 'open_end';
type Edited = Result<UnitText, EditReason>;

/**
 * Gives a key of a section one value: its last assignment is written anew, others of it stay. Adds it, and the
 * section, where there is none. Every other byte stays as it is.
 *
 * `bad_value` is what one line cannot say: a line break, a NUL, spaces around, a backslash at the end. `open_end`
 * is a file that ends within a value, so that nothing can be put behind it.
 */
export function setValue(unit: UnitText, section: string, key: string, value: string): Edited {
  const last = assignmentsOf(unit, section).findLast((node) => node.key === key);
  if (last === undefined) return addValue(unit, section, key, value);
  const refused = judge(section, key, value);
  if (refused !== undefined) return refused;
  const head = /^[^=]*=[ \t]*/.exec(last.raw)![0];
  // A head that itself goes over lines is not worth keeping.
  const start = head.includes('\n') ? `${key}=` : head;
  const raw = `${start}${value}${lineEnd(last.raw)}`;
  const text = unit.nodes.map((one) => (one === last ? raw : one.raw)).join('');
  const values = assignmentsOf(unit, section).map((node) => (node === last ? value : node.value));
  return proven(unit, text, section, values);
}

/** Adds an assignment behind the last one of that key, else at the end of the section, else in a new section. */
export function addValue(unit: UnitText, section: string, key: string, value: string): Edited {
  const refused = judge(section, key, value);
  if (refused !== undefined) return refused;
  const own = assignmentsOf(unit, section);
  const end = endOf(unit);
  const line = `${key}=${value}${end}`;
  const after = own.findLast((node) => node.key === key) ?? own.at(-1) ?? lastHeader(unit, section);
  if (after === undefined) {
    const text = printUnit(unit);
    const gap = text === '' ? '' : text.endsWith('\n') ? end : end + end;
    return proven(unit, `${text}${gap}[${section}]${end}${line}`, section, [value]);
  }
  const text = unit.nodes
    .map((one) => (one !== after ? one.raw : one.raw.endsWith('\n') ? one.raw + line : one.raw + end + line))
    .join('');
  const values = own.flatMap((node) => (node === after ? [node.value, value] : [node.value]));
  return proven(unit, text, section, after.kind === 'section' ? [value] : values);
}

/** The edited text, if a section is read from it as it was meant. */
function proven(unit: UnitText, text: string, section: string, values: readonly string[]): Edited {
  const edited = parseUnit(text, unit.dialect);
  const read = assignmentsOf(edited, section);
  return read.length === values.length && read.every((node, index) => node.value === values[index])
    ? ok(edited)
    : refuse('open_end', `nothing can be put behind the last line of the file: it ends within a value`);
}

/** Takes every assignment of a key out of a section; comments stay. */
export function removeKey(unit: UnitText, section: string, key: string): UnitText {
  const gone = new Set(assignmentsOf(unit, section).filter((node) => node.key === key));
  const text = unit.nodes.map((node) => (gone.has(node as AssignmentNode) ? '' : node.raw)).join('');
  return parseUnit(text, unit.dialect);
}

function judge(section: string, key: string, value: string) {
  if (!/^[A-Za-z0-9-]+$/.test(section)) return refuse('bad_section', `[${section}] is no name of a section`);
  if (!/^[A-Za-z0-9-]+$/.test(key)) return refuse('bad_key', `${key} is no key`);
  if (/[\n\r\0]|^\s|\s$|\\$/.test(value)) {
    return refuse(
      'bad_value',
      `a value of ${key} is one line without spaces around it or a backslash behind`,
    );
  }
  return undefined;
}

/** The assignments of all parts of a section, which may be opened more than once. */
export function assignmentsOf(unit: UnitText, section: string): AssignmentNode[] {
  const found: AssignmentNode[] = [];
  let current: string | undefined;
  for (const node of unit.nodes) {
    if (node.kind === 'section') current = node.name;
    else if (node.kind === 'assignment' && current === section) found.push(node);
  }
  return found;
}

const lastHeader = (unit: UnitText, section: string): UnitNode | undefined =>
  unit.nodes.findLast((node) => node.kind === 'section' && node.name === section);

const lineEnd = (raw: string): string => /\r?\n$/.exec(raw)?.[0] ?? '';
/** How lines of this file end. */
const endOf = (unit: UnitText): string => (unit.nodes[0]?.raw.endsWith('\r\n') === true ? '\r\n' : '\n');

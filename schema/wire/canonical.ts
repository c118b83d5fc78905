import { own } from './record.ts';

/** What JSON has no escape for: most names and values. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
const plain = /^[^\u0000-\u001f"\\\ud800-\udfff]*$/;

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
type Members = Readonly<Record<string, unknown>>;

const quoted = (text: string): string => (plain.test(text) ? `"${text}"` : JSON.stringify(text));

/**
 * JSON with members sorted by code units and no space: equal values, equal bytes. Members that are undefined are
 * left out; numbers must be safe integers, so that nobody prints them otherwise.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new Error('only whole numbers are canonical');
    return JSON.stringify(value);
  }
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value) text += `${text === '' ? '' : ','}${canonicalJson(item)}`;
    return `[${text}]`;
  }
  if (typeof value !== 'object') throw new Error(`no JSON for a ${typeof value}`);
  const members = value as Members;
  for (const key of Object.keys(members).sort(byText)) {
    const member = members[key];
    if (member !== undefined) text += `${text === '' ? '' : ','}${quoted(key)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

/** Whether two values have one canonical form, without making it. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => sameJson(item, b[index]));
  }
  const [left, right] = [a as Members, b as Members];
  return (
    Object.keys(left).every((key) => sameJson(left[key], own(right, key))) &&
    Object.keys(right).every((key) => right[key] === undefined || own(left, key) !== undefined)
  );
}

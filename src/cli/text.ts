/** Rows as aligned columns, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A duration as one says it: `just now`, `40 s ago`, `3 h ago`. */
export function ago(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 3) return 'just now';
  return `${span(seconds)} ago`;
}

/** Seconds as `40 s`, `3 min`, `5 h`, `2 days`. */
function span(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** A time in ms as `2026-11-22 21:40:05`, in the reader's own zone. */
export function localTime(ms: number): string {
  const at = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** `a, b and c` */
export const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

/** Controls that move a cursor or change a title, and those that show text in another order than it has. */
const unprintable =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it finds
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Text for a terminal, without the characters by which somebody else could write over what stands there. */
export const printable = (text: string): string => text.replace(unprintable, '');

/**
 * What somebody else says, with each of its texts on one line: a text that goes on below would look like this
 * program's own words.
 */
export function onOneLine<T>(said: T): T {
  // Of the controls a terminal is shown these alone: `printable` takes the others out.
  if (typeof said === 'string') return said.replace(/[\t\n]+/g, ' ') as T;
  if (Array.isArray(said)) return said.map(onOneLine) as T;
  if (typeof said !== 'object' || said === null) return said;
  return Object.fromEntries(Object.entries(said).map(([name, value]) => [name, onOneLine(value)])) as T;
}

/** A value as JSON on one line that a terminal shows as it is. */
export const jsonLine = (value: unknown): string =>
  JSON.stringify(value).replace(
    unprintable,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

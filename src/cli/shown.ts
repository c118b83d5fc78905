import { jsonLine, listed } from './text.ts';

export type Named<T> = Readonly<Record<string, T>>;

const plain = /^[^\s\p{C}]+( [^\s\p{C}]+)*$/u;

/**
 * A value of a document as it is told: plain text as it stands, everything else as JSON. What a relay reported of a
 * guest is among it: text that begins a line, by its end or by many spaces, would look like this program's own words.
 */
export const shown = (value: unknown): string => {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string' && plain.test(value)) return value;
  return jsonLine(value).replace(/ {2,}/g, (run) => '\\u0020'.repeat(run.length));
};

/** Both sides' names, those of `before` first. */
export const namesOf = (before: object, after: object): string[] => [
  ...new Set([...Object.keys(before), ...Object.keys(after)]),
];

/** `vmid 299 instead of 202 and exclusive [] instead of ["gpu0"]` */
export const changedMembers = (
  members: readonly string[],
  old: Named<unknown>,
  next: Named<unknown>,
): string =>
  listed(members.map((member) => `${member} ${shown(next[member])} instead of ${shown(old[member])}`));

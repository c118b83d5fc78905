import { listed } from './text.ts';

export type Named<T> = Readonly<Record<string, T>>;

/** A value of a document as it is told: text as it stands, everything else as JSON. */
export const shown = (value: unknown): string =>
  value === undefined || value === null
    ? 'nothing'
    : typeof value === 'string'
      ? value
      : JSON.stringify(value);

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

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { targetOf } from '../architecture/directions.ts';
import { scan } from '../architecture/scan.ts';

/** The files of the project that a file imports itself; imports that are erased do not count. */
export const importsOf = (root: string, path: string): string[] =>
  scan(path, readFileSync(join(root, path), 'utf8')).imports.flatMap(({ specifier, typeOnly }) =>
    typeOnly ? [] : (targetOf(path, specifier) ?? []),
  );

/**
 * The files that load when the entries do, from the nearest to the farthest: a breadth-first walk over every
 * import that is not erased. Paths from the project's root.
 */
export function importClosure(root: string, entries: readonly string[]): string[] {
  const found = new Set(entries);
  for (const path of found) {
    for (const target of importsOf(root, path)) found.add(target);
  }
  return [...found];
}

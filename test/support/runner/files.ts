import { globSync } from 'node:fs';
import { sep } from 'node:path';

/** Folders whose tests have a command of their own: they need root, or hours. */
const apart = new Set(['lab', 'long']);

/** Stages in the order of who stands on whom; folders that are not named here come between, by name. */
const first = ['architecture', 'schema', 'support'];
const last = ['adversary', 'demo', 'docs'];

export type Stage = { readonly name: string; readonly files: readonly string[] };

/** Which tests are asked for: those in folders of one name, or these very files; null is all but those apart. */
export type Wanted = string | readonly string[] | null;

function isWanted(only: Wanted, file: string, folders: readonly string[]): boolean {
  if (only === null) return !apart.has(folders[0] ?? '');
  return typeof only === 'string' ? folders.includes(only) : only.includes(file);
}

/** Groups test files by their folder under test/, in the order in which they are run. */
export function stagesOf(files: readonly string[], only: Wanted): Stage[] {
  const groups = new Map<string, string[]>();
  for (const file of files) {
    const folders = file.split('/').slice(1, -1);
    const name = folders[0] ?? 'top';
    if (!isWanted(only, file, folders)) continue;
    groups.set(name, [...(groups.get(name) ?? []), file]);
  }
  const place = (name: string): number =>
    first.includes(name) ? first.indexOf(name) : last.includes(name) ? 1000 + last.indexOf(name) : 100;
  return [...groups]
    .map(([name, members]) => ({ name, files: members.sort() }))
    .sort((a, b) => place(a.name) - place(b.name) || (a.name < b.name ? -1 : 1));
}

/** Every test file below test/, as paths with forward slashes from the root. */
export const findTestFiles = (root: string): string[] =>
  globSync('test/**/*.test.{ts,tsx}', { cwd: root }).map((path) => path.split(sep).join('/'));

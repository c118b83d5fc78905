import type { Finding } from './finding.ts';

const mib = 1024 * 1024;

/** Larger files are named and not read. */
export const maxRepoFileBytes = 8 * mib;
/** All files of a repo together. */
export const maxRepoBytes = 64 * mib;
export const maxRepoFiles = 20_000;

/** A homelab's repo: the bytes of each file by its path from the root, with `/`. No links, no folders of tools. */
export type RepoFiles = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** A repo as it was read, with what could not be. */
export type Repo = { readonly files: RepoFiles; readonly findings: readonly Finding[] };

/** The files below a folder, by their path in it, sorted. */
export type Folder = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** Code units, not a locale's alphabet: the same everywhere. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The repo's folders under `apps/`, in one pass, sorted. */
export function foldersUnder(files: RepoFiles, parent: string): ReadonlyMap<string, Folder> {
  const folders = new Map<string, Map<string, Uint8Array<ArrayBuffer>>>();
  for (const path of [...files.keys()].sort(byText)) {
    if (!path.startsWith(`${parent}/`)) continue;
    const rest = path.slice(parent.length + 1);
    const slash = rest.indexOf('/');
    if (slash < 1) continue;
    const name = rest.slice(0, slash);
    const folder = folders.get(name) ?? new Map();
    folder.set(rest.slice(slash + 1), files.get(path)!);
    folders.set(name, folder);
  }
  return folders;
}

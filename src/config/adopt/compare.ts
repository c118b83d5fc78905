import type { Release } from '../../../schema/wire/release.ts';
import type { MachineFile, MachineFolder, Note } from './found.ts';

/**
 * Whether the release brings to a machine just what was read of it: every path with its bytes, mode and owner, and no
 * path more.
 *
 * @param apps the apps that were adopted; what others bring is not looked at
 */
export function compareRelease(
  release: Release,
  machine: string,
  apps: ReadonlySet<string>,
  files: readonly MachineFile[],
  folders: readonly MachineFolder[],
): Note[] {
  const notes: Note[] = [];
  const tell = (path: string, message: string): void => {
    notes.push({ path, code: 'not_same', message });
  };
  const part = release.manifest.parts.find(({ target }) => target === machine);
  const made = new Map((part?.files ?? []).filter(({ app }) => apps.has(app)).map((one) => [one.path, one]));
  for (const { path, bytes, mode, owner } of files) {
    const one = made.get(path);
    made.delete(path);
    if (one === undefined) tell(path, 'the release does not have it');
    else if (!sameBytes(release.blobs.get(one.digest)!, bytes)) tell(path, 'the release has other bytes');
    else if (one.mode !== mode || one.owner !== owner)
      tell(path, `the release has ${one.mode} ${one.owner}, and it was ${mode} ${owner}`);
    else if (one.secrets !== undefined) tell(path, 'the release would fill in secrets');
  }
  for (const path of made.keys()) tell(path, 'the release has it, and it was not read');
  const dirs = new Map(
    (part?.apps ?? [])
      .filter(({ name }) => apps.has(name))
      .flatMap((app) => app.dirs.map((dir) => [dir.path, `${dir.mode} ${dir.owner}`] as const)),
  );
  for (const { path, mode, owner } of folders) {
    if (dirs.get(path) !== `${mode} ${owner}`) tell(path, 'the release does not have the folder as it was');
    dirs.delete(path);
  }
  for (const path of dirs.keys()) tell(path, 'the release has the folder, and it was not read');
  return notes;
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

import type { ReleaseFile, ReleasePart } from '../wire/release.ts';

/** What becomes of one file of a target. */
export type FileChange =
  | { readonly path: string; readonly kind: 'added'; readonly after: ReleaseFile }
  | { readonly path: string; readonly kind: 'removed'; readonly before: ReleaseFile }
  | {
      readonly path: string;
      readonly kind: 'changed';
      readonly before: ReleaseFile;
      readonly after: ReleaseFile;
      /**
       * `attributes`: mode, owner or how it is managed, with the same bytes. `listing`: which app lists it and what
       * its changes do from now on; on the target nothing differs.
       */
      readonly what: 'content' | 'attributes' | 'listing';
    };

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const sameAttributes = (a: ReleaseFile, b: ReleaseFile): boolean =>
  a.mode === b.mode &&
  a.owner === b.owner &&
  a.manage === b.manage &&
  a.kind === b.kind &&
  a.volume === b.volume;

/** The files that differ between two parts of one target, by path. */
export function changedFiles(before: ReleasePart | undefined, after: ReleasePart | undefined): FileChange[] {
  const old = new Map((before?.files ?? []).map((file) => [file.path, file]));
  const changes: FileChange[] = [];
  for (const file of after?.files ?? []) {
    const was = old.get(file.path);
    old.delete(file.path);
    if (was === undefined) changes.push({ path: file.path, kind: 'added', after: file });
    else if (was.digest !== file.digest) {
      changes.push({ path: file.path, kind: 'changed', before: was, after: file, what: 'content' });
    } else if (!sameAttributes(was, file)) {
      changes.push({ path: file.path, kind: 'changed', before: was, after: file, what: 'attributes' });
    } else if (was.app !== file.app || was.on_change !== file.on_change) {
      changes.push({ path: file.path, kind: 'changed', before: was, after: file, what: 'listing' });
    }
  }
  for (const [path, file] of old) changes.push({ path, kind: 'removed', before: file });
  return changes.sort((a, b) => byText(a.path, b.path));
}

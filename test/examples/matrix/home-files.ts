import type { Release } from '../../../schema/wire/release.ts';
import type { Repo } from '../../../src/config/repo.ts';
import type { Files } from './programs.ts';
import { readSaid, type Said } from './said.ts';

/** The bytes of a release as texts, by machine and path. */
export const filesOfRelease = ({ manifest, blobs }: Release): Files =>
  new Map(
    manifest.parts.map(({ target, files }) => [
      target,
      new Map(files.map(({ path, digest }) => [path, new TextDecoder().decode(blobs.get(digest)!)])),
    ]),
  );

/** What a repo says, with some of its files otherwise. */
export const saidOf = ({ files }: Repo, changes: Readonly<Record<string, string>> = {}): Said =>
  readSaid(
    new Map([
      ...[...files].map(([path, bytes]) => [path, new TextDecoder().decode(bytes)] as const),
      ...Object.entries(changes),
    ]),
  );

/** Files with one of them otherwise, which the change must change. */
export function withFile(
  files: Files,
  wanted: RegExp,
  machine: string,
  change: (text: string) => string,
): Files {
  const all = files.get(machine)!;
  const paths = [...all].filter(([path, text]) => wanted.test(path) && change(text) !== text);
  if (paths.length !== 1) throw new Error(`the change fits ${paths.length} files of ${machine}, ${wanted}`);
  const [path, text] = paths[0]!;
  return new Map([...files, [machine, new Map([...all, [path, change(text)]])]]);
}

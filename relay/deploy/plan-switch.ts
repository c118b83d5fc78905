import { certPathsOf } from '../../schema/change/cert-paths.ts';
import { changedUnits } from '../../schema/change/units.ts';
import { volumeOf } from '../../schema/change/volume-paths.ts';
import type { ReleaseFile, ReleasePart } from '../../schema/wire/release.ts';
import type { Sight, Stat } from '../machine/machine.ts';
import { filledPath, isFilledIn } from './secrets/secrets-table.ts';
import { type Op, targetFolder } from './target-state.ts';

export type SwitchInput = {
  readonly before: ReleasePart | undefined;
  readonly after: ReleasePart;
  /** Folders that earlier switches made. */
  readonly folders: readonly string[];
  /** Files in clear that were found to hold what would be filled in, and left. */
  readonly claimed?: readonly string[];
  /** What lies in folders that are kept free of other files, and is no part of `after`. */
  readonly strangers?: readonly string[];
  /** What is there, for each path of `pathsToLookAt`. */
  readonly sights: ReadonlyMap<string, Sight>;
};

/** A file, with the digest and number of its bytes. */
export type Kept = { readonly path: string; readonly digest: string; readonly size: number };

export type Switch = {
  /** In the order in which they are done. */
  readonly ops: readonly Op[];
  /** What brings back what is there now, in its order. */
  readonly undo: readonly Op[];
  /** Files whose present bytes `undo` needs among the blobs. */
  readonly keep: readonly Kept[];
  /** Folders that were made for files, after this switch. */
  readonly folders: readonly string[];
  /** Files that differ from what the generation in force says. */
  readonly drifted: readonly string[];
  /** Files in the way of what is filled in with secrets: theirs may be the same, which the target alone can tell. */
  readonly claims: readonly string[];
  /** Those, and those of before that are still left as they are. */
  readonly claimed: readonly string[];
};

/** What stands in the way: nothing is changed. */
export type Obstacle = {
  readonly path: string;
  readonly why: 'foreign_file' | 'not_a_file' | 'not_a_folder';
};

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The folders above a path, the outermost first, without `/`. Of a path in a volume, those of the volume: Podman makes it. */
export function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  const above = parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
  return volumeOf(path) === null ? above : above.filter((folder) => volumeOf(folder) !== null);
}

const dirsOf = (part: ReleasePart | undefined) => (part?.apps ?? []).flatMap(({ dirs }) => dirs);

/** What a part wants: its files and certificates, the folders of its apps, and the folders above all of these. */
export function wantedPathsOf(part: ReleasePart): Readonly<Record<'files' | 'dirs' | 'above', Set<string>>> {
  const files = [...part.files.map(({ path }) => path), ...certPathsOf(part)];
  const dirs = dirsOf(part).map(({ path }) => path);
  return {
    files: new Set(files),
    dirs: new Set(dirs),
    above: new Set([...files, ...dirs].flatMap(foldersAbove)),
  };
}

/** Every path that a switch may change, or must know of. */
export function pathsToLookAt(
  before: ReleasePart | undefined,
  after: ReleasePart,
  folders: readonly string[],
  strangers: readonly string[] = [],
): { files: string[]; folders: string[] } {
  const files = new Set([...(before?.files ?? []), ...after.files].map(({ path }) => path));
  for (const path of strangers) files.add(path);
  const dirs = [...dirsOf(before), ...dirsOf(after)].map(({ path }) => path);
  const certs = [...(before === undefined ? [] : certPathsOf(before)), ...certPathsOf(after)];
  const above = [...files, ...dirs, ...certs].flatMap(foldersAbove);
  return {
    files: [...files].sort(byText),
    folders: [...new Set([...above, ...dirs, ...folders])].sort(byText),
  };
}

const listingOf = (stat: Stat): { mode: string; owner: string } => ({
  mode: stat.mode,
  owner: `${stat.uid}:${stat.gid}`,
});

/**
 * Says how a target's files get from what is there to what a part wants, and back. A file that Writ did not put there
 * is left as it is when its bytes are the wanted ones, and is an obstacle otherwise.
 *
 * @param sameOwner whether the owner of what is there is the wanted one, by name or number
 */
export function planSwitch(
  { before, after, folders, claimed = [], strangers = [], sights }: SwitchInput,
  sameOwner: (stat: Stat, owner: string) => boolean,
):
  | { readonly ok: true; readonly value: Switch }
  | { readonly ok: false; readonly obstacles: readonly Obstacle[] } {
  const old = new Map((before?.files ?? []).map((file) => [file.path, file]));
  const ops: Op[] = [];
  const undo: Op[] = [];
  const keep = new Map<string, Kept>();
  const obstacles: Obstacle[] = [];
  const drifted: string[] = [];
  const claims: string[] = [];
  const sightOf = (path: string): Sight => sights.get(path) ?? { stat: null, digest: null };
  const made = new Set(folders);

  const sameListing = (stat: Stat, how: { mode: string; owner: string }): boolean =>
    stat.mode === how.mode && sameOwner(stat, how.owner);

  const folder = (path: string, how: { mode: string; owner: string } | null): void => {
    const { stat } = sightOf(path);
    // Made with what is staged.
    if (path === targetFolder) return;
    if (stat === null) {
      ops.push({ do: 'folder', path, ...(how ?? { mode: '0755', owner: 'root:root' }) });
      undo.unshift({ do: 'remove', path });
      made.add(path);
    } else if (stat.kind !== 'folder') obstacles.push({ path, why: 'not_a_folder' });
    else if (how !== null && !sameListing(stat, how)) {
      ops.push({ do: 'folder', path, ...how });
      undo.unshift({ do: 'folder', path, ...listingOf(stat) });
    }
  };

  const wantedDirs = new Map(dirsOf(after).map((dir) => [dir.path, { mode: dir.mode, owner: dir.owner }]));
  const { above: wantedFolders } = wantedPathsOf(after);
  for (const path of [...new Set([...wantedFolders, ...wantedDirs.keys()])].sort(byText)) {
    folder(path, wantedDirs.get(path) ?? null);
  }

  /** Puts back the bytes that are there now. */
  const restore = (path: string, { stat, digest }: Sight): void => {
    if (stat === null || digest === null) {
      undo.unshift({ do: 'remove', path });
      return;
    }
    keep.set(path, { path, digest, size: stat.size });
    undo.unshift({ do: 'put', path, digest, ...listingOf(stat) });
  };

  const wasClaimed = new Set(claimed);
  const left: string[] = [];
  const changes = wasClaimed.size === 0 ? [] : changedUnits(before, after);
  const isRestarted = (app: string): boolean =>
    changes.every((one) => one.app !== app || one.kind !== 'run' || /^(re)?start$/.test(one.effect));

  const isOurLink = (path: string): boolean =>
    sightOf(path).stat?.kind === 'link' && sightOf(path).stat?.to === filledPath(path);

  /**
   * What is filled in stands elsewhere, and a link here. Bytes with secrets are never kept for a way back. A container that
   * mounts the folder would not see where the link leads until it starts anew: a file in clear of before Writ stays for so long.
   */
  const putLink = (file: ReleaseFile): void => {
    const { path } = file;
    const sight = sightOf(path);
    const known = old.get(path);
    if (isOurLink(path)) return;
    if (sight.stat !== null && sight.stat.kind !== 'file') obstacles.push({ path, why: 'not_a_file' });
    else if (sight.stat !== null && known === undefined) claims.push(path);
    else if (
      sight.stat !== null &&
      wasClaimed.has(path) &&
      known?.digest === file.digest &&
      !isRestarted(file.app)
    ) {
      left.push(path);
    } else {
      if (known !== undefined && isFilledIn(known)) {
        drifted.push(path);
        undo.unshift({ do: 'link', path, to: filledPath(path) });
      } else restore(path, sight);
      ops.push({ do: 'link', path, to: filledPath(path) });
    }
  };

  const put = (file: ReleaseFile): void => {
    const { path, digest, mode, owner } = file;
    const sight = sightOf(path);
    const known = old.get(path);
    if (known !== undefined && isFilledIn(known) && /^(file|link)$/.test(sight.stat?.kind ?? '')) {
      if (!isOurLink(path)) drifted.push(path);
      undo.unshift({ do: 'link', path, to: filledPath(path) });
      ops.push({ do: 'put', path, digest, mode, owner });
      return;
    }
    if (sight.stat !== null && sight.stat.kind !== 'file') {
      obstacles.push({ path, why: 'not_a_file' });
      return;
    }
    if (file.manage === 'seed' && sight.stat !== null) return;
    if (sight.stat !== null && sight.digest === digest) {
      if (sameListing(sight.stat, file)) return;
      ops.push({ do: 'listing', path, mode, owner });
      undo.unshift({ do: 'listing', path, ...listingOf(sight.stat) });
      return;
    }
    if (sight.stat !== null && known === undefined) {
      obstacles.push({ path, why: 'foreign_file' });
      return;
    }
    if (known !== undefined && known.manage !== 'seed' && sight.digest !== known.digest) drifted.push(path);
    restore(path, sight);
    ops.push({ do: 'put', path, digest, mode, owner });
  };
  for (const file of after.files) {
    if (isFilledIn(file)) putLink(file);
    else put(file);
  }

  const wanted = new Set(after.files.map(({ path }) => path));
  for (const file of before?.files ?? []) {
    // What was only seeded has long been the app's own.
    if (wanted.has(file.path) || file.manage === 'seed') continue;
    const sight = sightOf(file.path);
    if (sight.stat === null) continue;
    if (isFilledIn(file) && (sight.stat.kind === 'file' || sight.stat.kind === 'link')) {
      if (!isOurLink(file.path)) drifted.push(file.path);
      undo.unshift({ do: 'link', path: file.path, to: filledPath(file.path) });
      ops.push({ do: 'remove', path: file.path });
      continue;
    }
    if (sight.stat.kind !== 'file') {
      obstacles.push({ path: file.path, why: 'not_a_file' });
      continue;
    }
    if (sight.digest !== file.digest) drifted.push(file.path);
    restore(file.path, sight);
    ops.push({ do: 'remove', path: file.path });
  }

  const strayFolders: string[] = [];
  for (const path of strangers) {
    const sight = sightOf(path);
    const isDealtWith = old.has(path) && old.get(path)?.manage !== 'seed';
    if (sight.stat === null || isDealtWith) continue;
    if (sight.stat.kind === 'folder') strayFolders.push(path);
    // What could not be brought back is not removed.
    else if (sight.stat.kind !== 'file' || sight.digest === null) obstacles.push({ path, why: 'not_a_file' });
    else {
      restore(path, sight);
      ops.push({ do: 'remove', path });
    }
  }

  // The innermost first. Whoever put something else there keeps the folder: a full one is not removed.
  const unwanted = [...new Set([...made, ...strayFolders])].filter(
    (path) => !wantedFolders.has(path) && !wantedDirs.has(path),
  );
  for (const path of unwanted.sort(byText).reverse()) {
    const { stat } = sightOf(path);
    if (stat?.kind !== 'folder') continue;
    ops.push({ do: 'remove', path });
    undo.unshift({ do: 'folder', path, ...listingOf(stat) });
  }
  if (obstacles.length > 0) return { ok: false, obstacles };
  return {
    ok: true,
    value: {
      ops,
      undo,
      keep: [...keep.values()],
      folders: [...made].filter((path) => !unwanted.includes(path)).sort(byText),
      drifted,
      claims,
      claimed: [...left, ...claims].sort(byText),
    },
  };
}

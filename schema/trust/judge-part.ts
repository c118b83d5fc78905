import { certPathsOf } from '../change/cert-paths.ts';
import { withVolumePaths } from '../change/volume-paths.ts';
import { ok, type Result, refuse } from '../result.ts';
import type { ReleaseFile, ReleasePart } from '../wire/release.ts';
import { isOwnUnit, unitNameOf } from './judge-unit.ts';
import { isSystemUnit, judgePath, reachesNever } from './paths.ts';

export type PartRefusal = 'path_not_granted' | 'path_never' | 'unit_takes_place' | 'unit_fetched';

/** Whether a release must not start, stop or restart it. */
const isGuarded = (service: string): boolean => isOwnUnit(service) || isSystemUnit(service);

/** Stands for a name below a folder: a letter that no pattern spells out. */
const anything = '/\u{fffd}';
/** How deep: patterns that name each of so many levels are one as good as `**`. */
const levels = 24;

/** Of the files of a part on the machine, those in volumes among them. */
const filePaths = (part: ReleasePart, has: (file: ReleaseFile) => boolean = () => true): string[] =>
  withVolumePaths(part)
    .files.filter(has)
    .map(({ path }) => path);

/** A folder of which all that is below may change, at each depth: a pattern may grant one of them alone. */
const below = (folder: string): string[] =>
  Array.from({ length: levels }, (_, depth) => folder.replace(/\/$/, '') + anything.repeat(depth + 1));

/** All that a part writes or may remove on its target, but for what only the generation before it had. */
function pathsOf(part: ReleasePart): { readonly paths: string[]; readonly folders: string[] } {
  const paths = [...filePaths(part), ...certPathsOf(part)];
  const folders: string[] = [];
  for (const { dirs, prune, artifacts } of part.apps) {
    paths.push(...dirs.map(({ path }) => path));
    for (const { to } of artifacts) (to.endsWith('/') ? folders : paths).push(to);
    folders.push(...prune);
  }
  return { paths, folders };
}

function judgeEach(granted: readonly string[], paths: readonly string[]): Result<true, PartRefusal> {
  for (const path of paths) {
    const verdict = judgePath(granted, path);
    if (verdict !== 'allowed') return refuse(verdict, path.replace(/(\/\u{fffd})+$/u, '/**'));
  }
  return ok(true);
}

/**
 * Whether a release under a grant with these patterns may hold this part: each of its paths is granted and none is
 * one that no release may touch, and it starts, stops or restarts no service of Writ's own, sshd's or Proxmox VE's.
 */
export function judgePart(granted: readonly string[], part: ReleasePart): Result<true, PartRefusal> {
  const own = part.apps.flatMap(({ units }) => units).find(({ service }) => isGuarded(service));
  if (own !== undefined) return refuse('unit_takes_place', own.service);
  // What is filled in on the target is read by systemd there, and by nobody who judges it.
  const filled = part.files.find(
    ({ path, secrets }) => (secrets?.length ?? 0) > 0 && unitNameOf(path) !== null,
  );
  if (filled !== undefined)
    return refuse('unit_takes_place', `${filled.path} would be filled in with secrets`);
  // Of what is fetched, nobody has seen the text.
  const fetched = part.apps.flatMap(({ artifacts }) => artifacts).find(({ to }) => unitNameOf(to) !== null);
  if (fetched !== undefined) return refuse('unit_fetched', fetched.to);
  const { paths, folders } = pathsOf(part);
  const never = folders.find(reachesNever);
  if (never !== undefined) return refuse('path_never', `${never.replace(/\/$/, '')}/**`);
  return judgeEach(granted, [...paths, ...folders.flatMap(below)]);
}

/** The same of what a switch removes: files that the generation in force has, and the part has no more. */
export function judgeRemoved(
  granted: readonly string[],
  before: ReleasePart,
  after: ReleasePart,
): Result<true, PartRefusal> {
  const kept = new Set(filePaths(after));
  const own = before.apps.flatMap(({ units }) => units).find(({ service }) => isGuarded(service));
  if (own !== undefined) return refuse('unit_takes_place', own.service);
  const removed = filePaths(before, ({ path, manage }) => manage === 'exact' && !kept.has(path));
  return judgeEach(granted, removed);
}

/** The files of a part that Podman or systemd may read as units: their names in their folder, and their bytes. */
export const unitsOf = ({ files }: ReleasePart): { readonly name: string; readonly digest: string }[] =>
  files.flatMap(({ path, digest }) => {
    const name = unitNameOf(path);
    return name === null ? [] : [{ name, digest }];
  });

import { ok, type Refusal, type Result, refuse } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import { isMachinePath, type Machine, type MachineReason } from '../machine/machine.ts';
import { wantedPathsOf } from './plan-switch.ts';

/** More than this in folders that are kept free of other files: somebody named the wrong folder. */
const mostStrangers = 5_000;
const timeoutMs = 60_000;
const maxBytes = 1024 * 1024;

export type StrangerReason = MachineReason | 'prune_too_much';

/**
 * What lies in the folders that a part keeps free of other files (`prune`) and is no part of it. A folder of an app (`dirs`) in
 * there, in which it keeps what is its own, is left out with all that it has. No link is followed, no other file system entered.
 */
export async function findStrangers(
  machine: Machine,
  part: ReleasePart,
): Promise<Result<readonly string[], StrangerReason>> {
  const pruned = [...new Set(part.apps.flatMap(({ prune }) => prune))];
  if (pruned.length === 0) return ok([]);
  const stats = await machine.stat(pruned);
  if (!stats.ok) return stats;
  const folders = pruned.filter((_, index) => stats.value[index]?.kind === 'folder');
  if (folders.length === 0) return ok([]);
  // find(1): a folder is told as it is, and not what a link in it leads to.
  const ran = await machine.run(['find', ...folders, '-xdev', '-mindepth', '1', '-print0'], {
    ...{ timeoutMs, maxBytes },
  });
  if (!ran.ok) return ran.reason === 'too_large' ? tooMuch(folders) : ran;
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  if (ran.value.code !== 0)
    return refuse('machine_error', `find: ${text(ran.value.stderr).trim().slice(0, 300)}`);
  const found = new Set(text(ran.value.stdout).split('\0').slice(0, -1));
  const odd = [...found].find((path) => !isMachinePath(path));
  if (odd !== undefined) return refuse('not_a_file', `a name that cannot be told in ${folders.join(', ')}`);
  const { files, dirs, above } = wantedPathsOf(part);
  const roots = new Set(folders);
  /** The nearest folder above that is kept free, or is an app's own, decides. */
  const isKeptFree = (path: string): boolean => {
    const above = path.slice(0, path.lastIndexOf('/'));
    return roots.has(above) || (!dirs.has(above) && isKeptFree(above));
  };
  const strangers = [...found].filter(
    (path) => ![files, above, dirs, roots].some((wanted) => wanted.has(path)) && isKeptFree(path),
  );
  return strangers.length > mostStrangers ? tooMuch(folders) : ok(strangers);
}

const tooMuch = (folders: readonly string[]): Refusal<'prune_too_much'> =>
  refuse('prune_too_much', `over ${mostStrangers} files in ${folders.join(', ')} are no part of the release`);

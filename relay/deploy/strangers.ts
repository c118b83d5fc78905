import * as v from 'valibot';
import { absolutePathSchema } from '../../schema/manifest/values.ts';
import { ok, type Refusal, type Result, refuse } from '../../schema/result.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import type { Machine, MachineReason } from '../machine/machine.ts';
import { packed } from '../machine/packed.ts';
import { findMounts } from './mounts.ts';
import { foldersAbove, wantedPathsOf } from './plan-switch.ts';

/** More than this in folders that are kept free of other files: somebody named the wrong folder. */
const mostStrangers = 5_000;
const timeoutMs = 60_000;
const maxBytes = 1024 * 1024;
/** Of folders in one call, and of those that are left out: the guest agent takes little more. */
const maxWordBytes = 8 * 1024;

export type StrangerReason = MachineReason | 'prune_too_much';

/**
 * What lies in the folders that a part keeps free of other files (`prune`) and is no part of it. A folder of an app (`dirs`) in
 * there, in which it keeps what is its own, is left out with all that it has, and so is what something is mounted on. No link
 * is followed.
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
  // A folder of the same file system may be mounted there, too: -xdev would not tell.
  const mounts = await findMounts(machine);
  if (!mounts.ok) return mounts;
  const { files, dirs, above } = wantedPathsOf(part);
  const roots = new Set(folders);
  const left = new Set([...dirs, ...mounts.value]);
  const found = await findBelow(machine, folders, left);
  if (!found.ok) return found;
  /** The nearest folder above that is kept free, or is left out, decides. What a target says of others is nothing. */
  const isKeptFree = (path: string): boolean => {
    const folder = path.slice(0, path.lastIndexOf('/'));
    return roots.has(folder) || (folder !== '' && !left.has(folder) && isKeptFree(folder));
  };
  const wanted = new Set([
    ...files,
    ...above,
    ...roots,
    ...left,
    ...[...roots, ...left].flatMap(foldersAbove),
  ]);
  const strangers = [...found.value].filter((path) => !wanted.has(path) && isKeptFree(path));
  return strangers.length > mostStrangers ? tooMuch(folders) : ok(strangers);
}

/** All that is below folders, but for what is in those that are left out; of many of these perhaps some of it. */
async function findBelow(
  machine: Machine,
  folders: readonly string[],
  left: ReadonlySet<string>,
): Promise<Result<ReadonlySet<string>, StrangerReason>> {
  const found = new Set<string>();
  const bytesOf = (word: string): number => Buffer.byteLength(word) + 1;
  for (const some of packed(folders, bytesOf, maxWordBytes)) {
    const within = [...left].filter((path) => some.some((folder) => path.startsWith(`${folder}/`)));
    const [out = []] = packed(within.map(literally), (word) => bytesOf(word) + 9, maxWordBytes);
    const but = out.flatMap((path) => ['-path', path, '-prune', '-o']);
    // find(1): a folder is told as it is, and not what a link in it leads to.
    const ran = await machine.run(['find', ...some, '-xdev', '-mindepth', '1', ...but, '-print0'], {
      ...{ timeoutMs, maxBytes },
    });
    if (!ran.ok) return ran.reason === 'too_large' ? tooMuch(some) : ran;
    const said = new TextDecoder().decode(ran.value.stderr).trim();
    // What goes while it is looked at is no fault.
    const isFault = said.split('\n').some((line) => !line.endsWith(': No such file or directory'));
    if (ran.value.code !== 0 && isFault) return refuse('machine_error', `find: ${said.slice(0, 300)}`);
    const names = namesOf(ran.value.stdout);
    if (names === null) return refuse('not_a_file', `a name that cannot be told in ${told(some)}`);
    for (const name of names) found.add(name);
  }
  return ok(found);
}

/** A path in find's patterns. */
const literally = (path: string): string => path.replace(/[\\*?[]/g, '\\$&');

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Paths as a target's state takes them; null where one is none of these. */
function namesOf(bytes: Uint8Array): string[] | null {
  try {
    const names = strict.decode(bytes).split('\0').slice(0, -1);
    return names.every((name) => v.is(absolutePathSchema, name)) ? names : null;
  } catch {
    return null;
  }
}

const tooMuch = (folders: readonly string[]): Refusal<'prune_too_much'> =>
  refuse('prune_too_much', `over ${mostStrangers} files, or 1 MiB of names, in ${told(folders)}`);

const told = (folders: readonly string[]): string => folders.slice(0, 5).join(', ');

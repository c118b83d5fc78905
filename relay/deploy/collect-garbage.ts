import type { Machine } from '../machine/machine.ts';
import { archiveFolder, archiveListName } from './artifacts/archive-list.ts';
import { closeFetchFolder, fetchFolder } from './artifacts/fetch-artifact.ts';
import { blobFolder, readKeptParts, type TargetState } from './target-state.ts';

const maxBlobs = 100_000;
/** Of five generations with some archives each. */
const maxLists = 10_000;

/** Removes bytes that no kept generation and no way back names. What cannot be removed now is removed the next time. */
export async function collectGarbage(machine: Machine, { kept, pending }: TargetState): Promise<void> {
  const needed = new Set(kept);
  const lists = new Set<string>();
  for (const op of pending?.undo ?? []) if (op.do === 'put') needed.add(op.digest);
  for (const part of await readKeptParts(machine, kept)) {
    if (!part.ok) return;
    for (const file of part.value.files) needed.add(file.digest);
    for (const { secrets, artifacts } of part.value.apps) {
      for (const secret of secrets) if (secret.digest !== undefined) needed.add(secret.digest);
      for (const artifact of artifacts) if (artifact.unpack) lists.add(archiveListName(artifact));
    }
  }
  const left = await machine.stat([archiveFolder, fetchFolder]);
  if (!left.ok) return;
  if (left.value[1] !== null) await closeFetchFolder(machine);
  // A list goes before the bytes that it names: what is not listed is fetched anew.
  if (left.value[0] !== null) await removeOthers(machine, archiveFolder, maxLists, lists);
  await removeOthers(machine, blobFolder, maxBlobs, new Set([...needed].map(hexOf)));
}

const hexOf = (digest: string): string => digest.slice('sha256:'.length);

async function removeOthers(
  machine: Machine,
  folder: string,
  most: number,
  needed: ReadonlySet<string>,
): Promise<void> {
  const names = await machine.list(folder, most);
  if (!names.ok) return;
  const garbage = names.value.filter((name) => !needed.has(name));
  await machine.change(garbage.map((name) => ({ do: 'remove', path: `${folder}/${name}` })));
}

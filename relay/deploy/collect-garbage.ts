import type { Machine } from '../machine/machine.ts';
import { blobFolder, readKeptPart, type TargetState } from './target-state.ts';

const maxBlobs = 100_000;

/** Removes bytes that no kept generation names. What cannot be removed now is removed the next time. */
export async function collectGarbage(machine: Machine, { kept }: TargetState): Promise<void> {
  const needed = new Set(kept);
  for (const digest of kept) {
    const part = await readKeptPart(machine, digest);
    if (!part.ok) return;
    for (const file of part.value.files) needed.add(file.digest);
    for (const { secrets } of part.value.apps) {
      for (const secret of secrets) if (secret.digest !== undefined) needed.add(secret.digest);
    }
  }
  const names = await machine.list(blobFolder, maxBlobs);
  if (!names.ok) return;
  for (const name of names.value) {
    if (!needed.has(`sha256:${name}`)) await machine.remove(`${blobFolder}/${name}`);
  }
}

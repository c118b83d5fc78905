import type { Machine } from '../machine/machine.ts';
import { blobFolder, readKeptParts, type TargetState } from './target-state.ts';

const maxBlobs = 100_000;

/** Removes bytes that no kept generation and no way back names. What cannot be removed now is removed the next time. */
export async function collectGarbage(machine: Machine, { kept, pending }: TargetState): Promise<void> {
  const needed = new Set(kept);
  for (const op of pending?.undo ?? []) if (op.do === 'put') needed.add(op.digest);
  for (const part of await readKeptParts(machine, kept)) {
    if (!part.ok) return;
    for (const file of part.value.files) needed.add(file.digest);
    for (const { secrets } of part.value.apps) {
      for (const secret of secrets) if (secret.digest !== undefined) needed.add(secret.digest);
    }
  }
  const names = await machine.list(blobFolder, maxBlobs);
  if (!names.ok) return;
  const garbage = names.value.filter((name) => !needed.has(`sha256:${name}`));
  await machine.change(garbage.map((name) => ({ do: 'remove', path: `${blobFolder}/${name}` })));
}
